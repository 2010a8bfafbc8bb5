import { describeInput } from '../describe-input.js';
import { FerError, reasonOf } from '../errors.js';
import type { Box } from '../image/box.js';
import { readable } from '../options.js';
import type { SeenFace } from './types.js';

/** Checks faces from any source, and puts their probabilities, shape [classes], into the order of the classes. */
export function seenFaces(
  faces: readonly SeenFace<string>[],
  classes: readonly string[],
): { box: Box; probabilities: number[] }[] {
  if (!Array.isArray(faces))
    throw new FerError('SHAPE', `the faces of a frame must be a list, got ${describeInput(faces)}`);
  return readable(
    'the faces of a frame',
    () =>
      faces.map((face: SeenFace<string> | null | undefined, i) => {
        try {
          return seenFace(face, i, classes);
        } catch (error) {
          // Getters may throw anything.
          if (error instanceof FerError) throw error;
          throw new FerError('SHAPE', `face ${i} cannot be read: ${reasonOf(error)}`, { cause: error });
        }
      }),
    'SHAPE',
  );
}

function seenFace(
  face: SeenFace<string> | null | undefined,
  i: number,
  classes: readonly string[],
): { box: Box; probabilities: number[] } {
  if (typeof face !== 'object' || face === null) {
    throw new FerError('SHAPE', `face ${i}: must be { box, predictions }, got ${describeInput(face)}`);
  }
  const { box, predictions } = face;
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
      throw new FerError('CLASSES', `face ${i}: '${className}' is not one of ${classes.join(', ')}`);
    }
    if (!(probability >= 0 && probability <= 1)) {
      const code = Number.isFinite(probability) ? 'DATA' : 'NOT_FINITE';
      throw new FerError(code, `face ${i}: the probability of ${className} is ${probability}, not in [0, 1]`);
    }
    probabilities[index] = probability;
  }
  return { box: { x: box.x, y: box.y, width: box.width, height: box.height }, probabilities };
}
