import { classifyFaces, type DetectedFace } from 'fer-dcnn/lite';
import { BLACK_PICTURE } from '../../page-parts/black-picture.js';
import { answerCalls } from '../../page-parts/worker-calls.js';

/** A face that was found on a picture, and cut out of it. */
export interface FoundFace {
  /** In pixels of the picture. */
  box: DetectedFace['box'];
  predictions: DetectedFace['predictions'];
  /** PNG, upright: what is shown, saved and trained on. */
  cut: Blob;
}

/** Pixels of a side of a face that is cut out: four times what the network takes. */
const SIDE = 128;

const looking = {
  /** Fetches all that is needed later. */
  async load(_: null): Promise<void> {
    await classifyFaces(BLACK_PICTURE, { fallback: 'whole' });
  },

  /** All faces on a picture; the picture itself where there is none and `whole` says so. */
  async look({ file, whole }: { file: Blob; whole: boolean }): Promise<FoundFace[]> {
    const picture = await createImageBitmap(file);
    try {
      const faces = await classifyFaces(picture, { fallback: whole ? 'whole' : 'none' });
      return await Promise.all(
        faces.map(async ({ box, crop, predictions }) => ({ box, predictions, cut: await cutOut(picture, crop) })),
      );
    } finally {
      picture.close();
    }
  },
};

export type Looking = typeof looking;

answerCalls(looking);

function cutOut(picture: ImageBitmap, { x, y, width, height, angle = 0 }: DetectedFace['crop']): Promise<Blob> {
  const canvas = new OffscreenCanvas(SIDE, SIDE);
  const context = canvas.getContext('2d', { alpha: false })!;
  context.imageSmoothingQuality = 'high';
  context.translate(SIDE / 2, SIDE / 2);
  context.scale(SIDE / width, SIDE / height);
  context.rotate(-angle);
  context.drawImage(picture, -x - width / 2, -y - height / 2);
  return canvas.convertToBlob({ type: 'image/png' });
}
