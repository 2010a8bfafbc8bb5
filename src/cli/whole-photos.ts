import { blazeFaceDetector, FerError } from '../index.js';
import { imageLimits } from '../platform/image-limits.js';
import { decode } from '../platform/node/decode.js';
import type { ImageLimits } from '../runtime.js';

/**
 * Looks whether images are whole photos, of which a face is a small part: classified as they are, they say nothing.
 *
 * @returns Those of which the largest face that BlazeFace finds takes less than a quarter.
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
    // It is a hint: where there is no detector, there is none.
    if (!(error instanceof FerError)) throw error;
  } finally {
    detector.dispose();
  }
  return found;
}

/** Share of the picture. Faces that were cropped with room around them take more. */
const SMALL = 0.25;
