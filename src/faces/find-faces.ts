import { FerError, reasonOf } from '../errors.js';
import type { PixelImage } from '../runtime.js';
import type { Detection, FaceDetector } from './types.js';

/**
 * Calls a detector and checks its result, because a detector may be a user's own.
 *
 * @returns Its detections, in its order; boxes outside the image are refused.
 * @throws FerError `OPTION` for an invalid `detector`; its own FerErrors; `DETECTOR_UNAVAILABLE` for anything else that it
 * throws; `SHAPE` for an answer that is not a list of detections, or a box without area or outside the image; `NOT_FINITE`
 * for NaN or infinity.
 * @example
 * const faces = await findFaces(detector, photo);
 */
export async function findFaces(detector: FaceDetector, image: PixelImage): Promise<Detection[]> {
  if (typeof detector?.detect !== 'function') {
    throw new FerError('OPTION', 'a detector is an object with a method detect(image), see FaceDetector');
  }
  const name = `the detector${detector.name ? ` '${detector.name}'` : ''}`;
  let found: unknown;
  try {
    found = await detector.detect(image);
  } catch (error) {
    if (error instanceof FerError) throw error;
    throw new FerError('DETECTOR_UNAVAILABLE', `${name} failed: ${reasonOf(error)}`, { cause: error });
  }
  if (!Array.isArray(found)) throw new FerError('SHAPE', `${name} must give a list, gave ${typeof found}`);
  for (const [index, detection] of found.entries()) check(detection, image, `${name}, face ${index}`);
  return found;
}

function check(detection: Partial<Detection> | undefined, image: PixelImage, name: string): void {
  const { box, score, keypoints = [] } = detection ?? {};
  if (typeof box !== 'object' || box === null || typeof score !== 'number' || !Array.isArray(keypoints)) {
    throw new FerError('SHAPE', `${name}: must be { box: { x, y, width, height }, score, keypoints? }`);
  }
  const { x, y, width, height } = box;
  const place = `{ x: ${x}, y: ${y}, width: ${width}, height: ${height} }`;
  if (![x, y, width, height, score, ...keypoints.flatMap((point) => [point?.x, point?.y])].every(Number.isFinite)) {
    throw new FerError('NOT_FINITE', `${name}: box ${place}, score ${score} and keypoints must be finite numbers`);
  }
  const size = `${image.width}x${image.height}`;
  if (!(width > 0 && height > 0)) throw new FerError('SHAPE', `${name}: box ${place} has no area`);
  if (x >= image.width || y >= image.height || x + width <= 0 || y + height <= 0) {
    throw new FerError('SHAPE', `${name}: box ${place} lies outside the image of ${size} pixels`);
  }
  if (width > 4 * image.width || height > 4 * image.height) {
    throw new FerError('SHAPE', `${name}: box ${place} is more than 4 times the image of ${size} pixels`);
  }
}
