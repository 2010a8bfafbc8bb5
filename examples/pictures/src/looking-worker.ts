import { classifyFaces, type DetectedFace } from 'fer-dcnn/lite';
import { BLACK_PICTURE } from '../../page-parts/black-picture.js';
import { drawFace } from '../../page-parts/draw-face.js';
import { answerCalls } from '../../page-parts/worker-calls.js';

/** A face that was found in a picture and cut out. */
export interface FoundFace {
  /** In pixels of the picture. */
  box: DetectedFace['box'];
  predictions: DetectedFace['predictions'];
  /** Upright PNG, for display, saving and training. */
  cut: Blob;
}

/** Side of a cut-out face in pixels: four times the network's input. */
const SIDE = 128;

const looking = {
  /** Loads everything that is needed later. */
  async load(_: null): Promise<void> {
    await classifyFaces(BLACK_PICTURE, { fallback: 'whole' });
  },

  /** All faces in a picture; without faces, the picture itself if `whole` is set. */
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

function cutOut(picture: ImageBitmap, crop: DetectedFace['crop']): Promise<Blob> {
  return drawFace(picture, crop, SIDE).canvas.convertToBlob({ type: 'image/png' });
}
