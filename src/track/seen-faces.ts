import { FerError } from '../errors.js';
import type { Box } from '../image/box.js';
import type { SeenFace } from './types.js';

/** Checks faces that come from anywhere, and puts their probabilities, shape [classes], into the order of the classes. */
export function seenFaces(
  faces: readonly SeenFace<string>[],
  classes: readonly string[],
): { box: Box; probabilities: number[] }[] {
  return faces.map(({ box, predictions }, i) => {
    const sides = [box?.x, box?.y, box?.width, box?.height];
    if (!sides.every(Number.isFinite)) {
      throw new FerError('NOT_FINITE', `face ${i}: box must be { x, y, width, height }, numbers, got ${sides}`);
    }
    if (!(box.width > 0 && box.height > 0)) {
      throw new FerError('SHAPE', `face ${i}: box is ${box.width} wide and ${box.height} high: both must be above 0`);
    }
    if (!Array.isArray(predictions)) {
      throw new FerError('SHAPE', `face ${i}: predictions must be a list of { className, probability }`);
    }
    const probabilities = classes.map(() => 0);
    for (const { className, probability } of predictions) {
      const index = classes.indexOf(className);
      if (index === -1) {
        throw new FerError('CLASSES', `face ${i}: '${className}' is none of ${classes.join(', ')}`);
      }
      if (!(probability >= 0 && probability <= 1)) {
        throw new FerError('NOT_FINITE', `face ${i}: the probability of ${className} is ${probability}, not in [0, 1]`);
      }
      probabilities[index] = probability;
    }
    return { box: { x: box.x, y: box.y, width: box.width, height: box.height }, probabilities };
  });
}
