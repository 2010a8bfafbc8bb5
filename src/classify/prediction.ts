import { EMOTIONS, type Emotion } from '../emotions.js';
import { withOffsets } from './class-offsets.js';

/** A class, such as an emotion, and how probable it is, in [0, 1]. */
export interface Prediction<C extends string = Emotion> {
  className: C;
  probability: number;
}

/**
 * Names one face's probabilities.
 *
 * @param probabilities - Shape [n, classes].
 * @param row - Which face.
 * @param topk - How many are given.
 * @param classes - Names of the classes, in the order of the probabilities.
 * @param offsets - What is added to the logits, in the same order.
 * @returns Most probable first.
 */
export function predictionsOf<C extends string = Emotion>(
  probabilities: ArrayLike<number>,
  row: number,
  topk: number,
  classes: readonly C[] = EMOTIONS as readonly string[] as readonly C[],
  offsets?: Float64Array,
): Prediction<C>[] {
  const [values, first] = offsets
    ? [withOffsets(probabilities, row, offsets), 0]
    : [probabilities, row * classes.length];
  return classes
    .map((className, i) => ({ className, probability: values[first + i] }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, topk);
}
