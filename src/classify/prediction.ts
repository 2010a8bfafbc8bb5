import { EMOTIONS, type Emotion } from '../emotions.js';

/** An emotion and how probable it is, in [0, 1]. */
export interface Prediction {
  className: Emotion;
  probability: number;
}

/**
 * Names one face's probabilities.
 *
 * @param probabilities - Shape [n, 5].
 * @param row - Which face.
 * @param topk - How many are given.
 * @returns Most probable first.
 */
export function predictionsOf(probabilities: ArrayLike<number>, row: number, topk: number): Prediction[] {
  return EMOTIONS.map((className, i) => ({ className, probability: probabilities[row * EMOTIONS.length + i] }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, topk);
}
