import type { Crop } from '../image/straighten.js';
import type { Detection, Framing } from './types.js';

/**
 * The square on which a found face is classified, framed as the network's training pictures are: from forehead to chin,
 * and turned nearly upright, by the line between the eyes, where the detector gives them.
 *
 * @param framing - Where the detector's boxes lie on a face; without it, the box is the crop.
 * @example
 * const crop = cropOf(detection, detector.framing);
 */
export function cropOf({ box, keypoints }: Detection, framing?: Framing): Crop {
  const angle = rollOf(keypoints);
  if (framing === undefined) return { ...box, angle };
  const size = Math.sqrt(box.width * box.height);
  const side = framing.scale * size;
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  const centerX = box.x + box.width / 2 + size * (framing.right * cos - framing.down * sin);
  const centerY = box.y + box.height / 2 + size * (framing.right * sin + framing.down * cos);
  return { x: centerX - side / 2, y: centerY - side / 2, width: side, height: side, angle };
}

/**
 * Leaning by less is left as it is, and more by as much: the training pictures lean a little too, two eyes tell it to a
 * few degrees only, and turning costs sharpness. Measured by `npm run detectors:calibrate`, docs/faces.md.
 */
const LEFT_LEANING = (5 / 180) * Math.PI;

/** Radians by which the crop is turned, clockwise as one sees it; 0 without eyes. */
function rollOf(keypoints: Detection['keypoints']): number {
  const right = keypoints?.find(({ name }) => name === 'rightEye');
  const left = keypoints?.find(({ name }) => name === 'leftEye');
  if (right === undefined || left === undefined) return 0;
  // The person's right eye is on the picture's left.
  const lean = Math.atan2(left.y - right.y, left.x - right.x);
  return Math.sign(lean) * Math.max(Math.abs(lean) - LEFT_LEANING, 0);
}
