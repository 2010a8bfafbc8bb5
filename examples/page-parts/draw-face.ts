import type { Crop } from 'fer-dcnn/lite';

/** Draws a face of a picture upright on a canvas of its own. */
export function drawFace(
  picture: VideoFrame | ImageBitmap,
  { x, y, width, height, angle = 0 }: Crop,
  side: number,
  settings?: CanvasRenderingContext2DSettings,
): OffscreenCanvasRenderingContext2D {
  const context = new OffscreenCanvas(side, side).getContext('2d', { alpha: false, ...settings })!;
  context.imageSmoothingQuality = 'high';
  context.translate(side / 2, side / 2);
  context.scale(side / width, side / height);
  context.rotate(-angle);
  context.drawImage(picture, -x - width / 2, -y - height / 2);
  return context;
}
