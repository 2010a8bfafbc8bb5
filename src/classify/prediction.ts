import { EMOTIONS, type Emotion } from '../emotions.js';
import { withOffsets } from './class-offsets.js';

/** A class, such as an emotion, and its probability, in [0, 1]. */
export interface Prediction<C extends string = Emotion> {
  className: C;
  probability: number;
}

/** The classes of one face, most probable first; there is at least one. */
export type Predictions<C extends string = Emotion> = [Prediction<C>, ...Prediction<C>[]];

/** The result of `classify` for an input: one list per face. An input of type `any` counts as one face. */
export type PredictionsFor<Input, C extends string = Emotion> = 0 extends 1 & Input
  ? Predictions<C>
  : Input extends readonly unknown[]
    ? { -readonly [Key in keyof Input]: Predictions<C> }
    : Predictions<C>;

/**
 * Pairs one face's probabilities with class names.
 *
 * @param probabilities - Shape [n, classes].
 * @param row - Index of the face.
 * @param topk - Number of classes to return.
 * @param classes - Names of the classes, in the order of the probabilities.
 * @param offsets - Numbers to add to the logits, in the same order.
 * @returns Predictions, most probable first.
 */
export function predictionsOf<C extends string = Emotion>(
  probabilities: ArrayLike<number>,
  row: number,
  topk: number,
  classes: readonly C[] = EMOTIONS as readonly string[] as readonly C[],
  offsets?: Float64Array,
): Predictions<C> {
  const [values, first] = offsets
    ? [withOffsets(probabilities, row, offsets), 0]
    : [probabilities, row * classes.length];
  return classes
    .map((className, i) => ({ className, probability: values[first + i] }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, topk) as Predictions<C>;
}
