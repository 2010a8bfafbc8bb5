import { describe, expect, test } from 'vitest';
import { randomStream, shuffledIndices } from '../../src/train/random.js';

describe('randomStream', () => {
  test('depends on every key and on their order', () => {
    const first = (...keys: number[]) => randomStream(...keys)();
    const keys = [[1, 2], [2, 1], [1, 3], [1], [1, 2, 0], [0], [2 ** 40, 2]];
    expect(new Set(keys.map((each) => first(...each))).size).toBe(keys.length);
    expect(first(1, 2)).toBe(first(1, 2));
  });

  test('is uniform, and neighbouring keys are not alike', () => {
    const bins = new Array<number>(20).fill(0);
    let product = 0;
    for (let key = 0; key < 4000; key++) {
      const [a, b] = [randomStream(3, key)(), randomStream(3, key + 1)()];
      bins[Math.floor(a * 20)]++;
      product += (a - 0.5) * (b - 0.5);
    }
    // Chi-square of 19 degrees of freedom: 43.8 is passed once in a thousand.
    expect(bins.reduce((sum, n) => sum + (n - 200) ** 2 / 200, 0)).toBeLessThan(43.8);
    expect(Math.abs(product / 4000)).toBeLessThan(0.005);
  });
});

test('shuffledIndices holds every index once', () => {
  const order = shuffledIndices(1000, randomStream(1));
  expect(Array.from(order).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  expect(order.slice(0, 10)).not.toEqual(Uint32Array.from({ length: 10 }, (_, i) => i));
});
