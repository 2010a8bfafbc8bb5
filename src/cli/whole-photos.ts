import { blazeFaceDetector, FerError } from '../index.js';
import { imageLimits } from '../platform/image-limits.js';
import { decode } from '../platform/node/decode.js';
import type { ImageLimits } from '../runtime.js';

/**
 * Finds images that are whole photos with small faces: classifying them without --faces is meaningless.
 *
 * @returns Images whose largest face, as found by BlazeFace, takes less than a quarter.
 */
export async function wholePhotos(files: readonly string[], limits: ImageLimits): Promise<string[]> {
  const detector = blazeFaceDetector();
  const found: string[] = [];
  try {
    for (const file of files) {
      const image = await decode(file, imageLimits(limits));
      const areas = (await detector.detect(image)).map(({ box }) => box.width * box.height);
      const share = Math.max(0, ...areas) / (image.width * image.height);
      if (areas.length > 0 && share < SMALL) found.push(file);
    }
  } catch (error) {
    // It is only a hint: without a detector, there is no hint.
    if (!(error instanceof FerError)) throw error;
  } finally {
    detector.dispose();
  }
  return found;
}

/** Share of the picture. Loosely cropped faces take more. */
const SMALL = 0.25;
