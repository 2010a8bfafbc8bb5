import { EMOTIONS } from '../emotions.js';
import type { Prediction } from './classifier.js';

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
