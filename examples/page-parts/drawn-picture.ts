import { DRAWN_SIZE, type DrawnExpression, drawnFace } from './drawn-face.js';

/** A drawn face as a PNG file, as if the user had chosen it. */
export async function drawnPicture(expression: DrawnExpression, who = 0): Promise<File> {
  const image = new Image(DRAWN_SIZE, DRAWN_SIZE);
  const address = URL.createObjectURL(new Blob([drawnFace(expression, who)], { type: 'image/svg+xml' }));
  try {
    image.src = address;
    await image.decode();
  } finally {
    URL.revokeObjectURL(address);
  }
  const canvas = document.createElement('canvas');
  canvas.width = DRAWN_SIZE;
  canvas.height = DRAWN_SIZE;
  canvas.getContext('2d')!.drawImage(image, 0, 0, DRAWN_SIZE, DRAWN_SIZE);
  const png = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'));
  return new File([png!], `${expression}-${who + 1}.png`, { type: 'image/png' });
}
