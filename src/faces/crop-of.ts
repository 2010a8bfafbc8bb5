import type { Crop } from '../image/straighten.js';
import type { Detection, Framing } from './types.js';

/**
 * The square to classify for a found face, with the framing of the training pictures: from forehead to chin, and rotated
 * nearly upright by the line between the eyes, if the detector gives them.
 *
 * @param framing - How the detector's boxes cover a face; without it, the box is the crop.
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
 * Roll below this angle is ignored; larger roll is reduced by it. The training pictures also have some roll, two eyes measure
 * it only within a few degrees, and rotation costs sharpness. Measured by `npm run detectors:calibrate`, docs/faces.md.
 */
const LEFT_LEANING = (5 / 180) * Math.PI;

/** Rotation of the crop in radians, clockwise on the screen; 0 without eyes. */
function rollOf(keypoints: Detection['keypoints']): number {
  const right = keypoints?.find(({ name }) => name === 'rightEye');
  const left = keypoints?.find(({ name }) => name === 'leftEye');
  if (right === undefined || left === undefined) return 0;
  // The person's right eye is on the picture's left.
  const lean = Math.atan2(left.y - right.y, left.x - right.x);
  return Math.sign(lean) * Math.max(Math.abs(lean) - LEFT_LEANING, 0);
}
