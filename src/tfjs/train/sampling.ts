import { shuffledIndices } from './random.js';
import type { TrainingData } from './training-data.js';

/** How an epoch selects samples; see `TrainOptions.sampling`. */
export type Sampling = 'shuffled' | 'balanced' | 'square-root';

/**
 * The order of the samples in one epoch, as many as the data has. Balanced orders draw with replacement; the weight of a
 * sample is its class size to the power of -1 or -1/2.
 *
 * @returns Sample indices, [count].
 */
export function epochOrder(
  { count, truth }: TrainingData,
  classes: number,
  sampling: Sampling,
  random: () => number,
): Uint32Array {
  if (sampling === 'shuffled') return shuffledIndices(count, random);

  const members: number[][] = Array.from({ length: classes }, () => []);
  truth.forEach((c, index) => {
    members[c].push(index);
  });
  const power = sampling === 'balanced' ? 0 : 0.5;
  const shares = members.map((member) => (member.length === 0 ? 0 : member.length ** power));
  const total = shares.reduce((sum, share) => sum + share, 0);
  return Uint32Array.from({ length: count }, () => {
    let left = random() * total;
    let c = 0;
    while (c < classes - 1 && left >= shares[c]) left -= shares[c++];
    while (members[c].length === 0) c--;
    return members[c][Math.floor(random() * members[c].length)];
  });
}
