import { DRAWN_SIZE, type DrawnExpression, drawnFace } from './drawn-face.js';

/** A picture of drawn faces side by side, for users without a camera. */
export async function drawnCrowd(expressions: readonly DrawnExpression[]): Promise<ImageBitmap> {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width: DRAWN_SIZE * expressions.length, height: DRAWN_SIZE });
  const context = canvas.getContext('2d')!;
  for (const [i, expression] of expressions.entries()) {
    context.drawImage(await loaded(drawnFaceUrl(expression, i)), i * DRAWN_SIZE, 0, DRAWN_SIZE, DRAWN_SIZE);
  }
  return createImageBitmap(canvas);
}

/** A drawn face as an address for `<img>`. */
export function drawnFaceUrl(expression: DrawnExpression, who = 0): string {
  return `data:image/svg+xml,${encodeURIComponent(drawnFace(expression, who))}`;
}

function loaded(address: string): Promise<HTMLImageElement> {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = () => reject(new Error('This browser cannot show the drawn picture.'));
    image.src = address;
  });
}
