import { describe, expect, test } from 'vitest';
import { randomBits, randomStream, shuffledIndices } from '../../../src/tfjs/train/random.js';

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

test.each([
  [[]],
  [[0]],
  [[1]],
  [[7, 3]],
  [[0xffffffff, 1]],
  [[2 ** 32, 0]],
  [[123456789, 2 ** 40 + 5, 12, 99999]],
  [[Number.MAX_SAFE_INTEGER]],
])('randomBits(%j) are the numbers of sfc32 and MurmurHash3, by whole numbers without end', (keys) => {
  const [next, wanted] = [randomBits(...keys), sfc32(keys)];
  const stream = randomStream(...keys);
  for (let i = 0; i < 300; i++) {
    const bits = wanted();
    expect(next()).toBe(bits);
    expect(stream()).toBe(bits / 4294967296);
  }
});

describe('shuffledIndices', () => {
  test('holds every index once', () => {
    const order = shuffledIndices(1000, randomStream(1));
    expect(Array.from(order).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect(order.slice(0, 10)).not.toEqual(Uint32Array.from({ length: 10 }, (_, i) => i));
    expect(shuffledIndices(0, randomStream(1))).toEqual(new Uint32Array(0));
  });

  test('swaps each index, from the last to the second, with an earlier one or itself', () => {
    const draws = [0.5, 0.99, 0];
    // Of 0123, place 3 with place 4 / 2 gives 0132; place 2 with floor(2.97) leaves it; place 1 with 0 gives 1032.
    expect([...shuffledIndices(4, () => draws.shift()!)]).toEqual([1, 0, 3, 2]);
    expect(draws).toEqual([]);
  });

  test('gives each order equally often', () => {
    const counts = new Map<string, number>();
    for (let key = 0; key < 6000; key++) {
      const order = shuffledIndices(3, randomStream(key)).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    // Chi-square of 5 degrees of freedom: 20.5 is passed once in a thousand.
    expect(counts.size).toBe(6);
    expect([...counts.values()].reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0)).toBeLessThan(20.5);
  });
});

const word = (value: bigint) => BigInt.asUintN(32, value);

function murmur(value: bigint): bigint {
  let h = word(value);
  h = word((h ^ (h >> 16n)) * 0x85ebca6bn);
  h = word((h ^ (h >> 13n)) * 0xc2b2ae35n);
  return h ^ (h >> 16n);
}

function sfc32(keys: number[]): () => number {
  let hash = 0x9e3779b9n;
  for (const key of keys.map(BigInt)) {
    hash = murmur(hash ^ murmur(key));
    hash = murmur(hash ^ (key >> 32n));
  }
  let [a, b, c, counter] = [hash, murmur(hash + 0x6a09e667n), murmur(hash + 0xbb67ae85n), 1n];
  const next = () => {
    const result = word(a + b + counter++);
    a = b ^ (b >> 9n);
    b = word(c * 9n);
    c = word(((c << 21n) | (c >> 11n)) + result);
    return Number(result);
  };
  for (let i = 0; i < 12; i++) next();
  return next;
}
