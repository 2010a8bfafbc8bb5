import { drawnCrowd } from '../../page-parts/drawn-crowd.js';
import { DRAWN_SIZE, type DrawnExpression } from '../../page-parts/drawn-face.js';

/** Pictures of drawn people with one expression, each a little nearer or farther, lighter or darker, turned left or right. */
export async function drawnTakes(expression: DrawnExpression): Promise<ImageBitmap[]> {
  const pictures: ImageBitmap[] = [];
  const crowd = await drawnCrowd(Array.from({ length: PEOPLE }, () => expression));
  for (let i = 0; i < PEOPLE * TIMES; i++) {
    const canvas = document.createElement('canvas');
    Object.assign(canvas, { width: DRAWN_SIZE, height: DRAWN_SIZE });
    const context = canvas.getContext('2d')!;
    context.fillStyle = '#cfd8dc';
    context.fillRect(0, 0, DRAWN_SIZE, DRAWN_SIZE);
    context.translate(DRAWN_SIZE / 2, DRAWN_SIZE / 2);
    context.rotate(0.08 * Math.sin(2 * i));
    context.scale(0.92 + 0.08 * Math.sin(i), 0.92 + 0.08 * Math.sin(i));
    context.drawImage(
      crowd,
      (i % PEOPLE) * DRAWN_SIZE,
      0,
      DRAWN_SIZE,
      DRAWN_SIZE,
      -DRAWN_SIZE / 2,
      -DRAWN_SIZE / 2,
      DRAWN_SIZE,
      DRAWN_SIZE,
    );
    context.resetTransform();
    context.fillStyle = i % 2 === 0 ? '#fff' : '#000';
    context.globalAlpha = 0.05 * (i % 4);
    context.fillRect(0, 0, DRAWN_SIZE, DRAWN_SIZE);
    pictures.push(await createImageBitmap(canvas));
  }
  crowd.close();
  return pictures;
}

const PEOPLE = 6;
const TIMES = 2;
