import { describe, expect, test } from 'vitest';
import { randomStream, shuffledIndices } from '../../../src/tfjs/train/random.js';
import { epochOrder, type Sampling } from '../../../src/tfjs/train/sampling.js';
import type { TrainingData } from '../../../src/tfjs/train/training-data.js';

describe('epochOrder', () => {
  test("'shuffled' takes every sample once, in the order of shuffledIndices", () => {
    const order = epochOrder(samples([5, 3, 2]), 3, 'shuffled', randomStream(4));
    expect(order).toEqual(shuffledIndices(10, randomStream(4)));
    expect([...order].toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  // Sizes 1, 4, 9 have the square roots 1, 2, 3: of six parts, one, two and three.
  test.each<[Sampling, number, number]>([
    ['balanced', 0, 0],
    ['balanced', 0.332, 0],
    ['balanced', 0.334, 1],
    ['balanced', 0.665, 1],
    ['balanced', 0.668, 2],
    ['balanced', 0.999, 2],
    ['square-root', 0, 0],
    ['square-root', 0.166, 0],
    ['square-root', 0.167, 1],
    ['square-root', 0.499, 1],
    ['square-root', 0.5, 2],
    ['square-root', 0.999, 2],
  ])("'%s' of classes of 1, 4 and 9 samples: a draw of %d is of class %d", (sampling, draw, wanted) => {
    const data = samples([1, 4, 9]);
    const order = epochOrder(data, 3, sampling, cycle([draw, 0]));
    expect([...order].map((index) => data.truth[index])).toEqual(Array(14).fill(wanted));
  });

  test('within a class each sample is as likely, wherever it stands', () => {
    // Samples of class 1 stand at 1, 2 and 5.
    const data = { count: 6, truth: Uint16Array.of(0, 1, 1, 0, 0, 1) } as TrainingData;
    const draws = [0.5, 0, 0.5, 0.33, 0.5, 0.34, 0.5, 0.66, 0.5, 0.67, 0.5, 0.99];
    expect([...epochOrder(data, 2, 'balanced', cycle(draws))]).toEqual([1, 1, 2, 2, 5, 5]);
  });

  test.each<Sampling>(['balanced', 'square-root'])("'%s' never draws from a class without samples", (sampling) => {
    const data = samples([0, 2, 0, 2, 0]);
    const drawn = (draw: number) => data.truth[epochOrder(data, 5, sampling, cycle([draw, 0]))[0]];
    expect([0, 0.25, 0.499, 0.5, 0.75, 0.999].map(drawn)).toEqual([1, 1, 1, 3, 3, 3]);
  });

  test('the last possible draw gives the last class with samples, despite rounding', () => {
    // The root of 10 and twice that of 5: the sum is rounded up, and what is left of it is no less than the last root.
    for (const sizes of [
      [10, 5, 5],
      [10, 5, 5, 0, 0],
    ]) {
      const data = samples(sizes);
      const [last] = epochOrder(data, sizes.length, 'square-root', cycle([1 - 2 ** -53, 0]));
      expect(data.truth[last]).toBe(2);
    }
  });
});

/** So many samples of each class, one class after another. */
function samples(sizes: number[]): TrainingData {
  const truth = Uint16Array.from(sizes.flatMap((size, c) => Array(size).fill(c)));
  return { count: truth.length, truth } as TrainingData;
}

/** These numbers, over and over. */
function cycle(draws: number[]): () => number {
  let next = 0;
  return () => draws[next++ % draws.length];
}
