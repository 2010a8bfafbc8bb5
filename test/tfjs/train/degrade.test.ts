import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { resample } from '../../../src/image/resample.js';
import type { Levels } from '../../../src/tfjs/train/degrade.js';
import { degrade } from '../../../src/tfjs/train/degrade.js';
import { randomStream } from '../../../src/tfjs/train/random.js';
import fc from '../../fast-check.js';
import { noiseLevels } from './noise-levels.js';

const size = 48;
const kinds = { blur: 0, noise: 1, jpeg: 2, reduced: 3 };

/** A picture with edges, slopes and texture. */
function picture(): Float32Array {
  return Float32Array.from({ length: size * size }, (_, i) => {
    const [x, y] = [i % size, Math.floor(i / size)];
    return Math.round(110 + 60 * Math.sin(x / 5) + 40 * Math.cos(y / 3) + (x > 30 && y > 20 ? 40 : 0));
  });
}

/** What becomes of a picture under one kind, at a strength of 0..1. */
function degraded(data: Float32Array, kind: keyof typeof kinds, strength: number, range = 255): Float32Array {
  const levels: Levels = { data: Float32Array.from(data), width: size, height: size, channels: 1 };
  const after = randomStream(7);
  const draws = [kinds[kind] / 4, strength];
  degrade(levels, range, () => draws.shift() ?? after());
  return levels.data;
}

const difference = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0) / a.length;

describe('degrade', () => {
  test('compresses as an encoder does: the same levels as libjpeg, to a rounding', async () => {
    for (const quality of [50, 40, 20, 12]) {
      const jpeg = await sharp(Uint8Array.from(picture()), { raw: { width: size, height: size, channels: 1 } })
        .jpeg({ quality })
        .toBuffer();
      const expected = await sharp(jpeg).toColourspace('b-w').raw().toBuffer();
      const ours = degraded(picture(), 'jpeg', (60 - quality) / 50);
      expect(difference(ours, expected)).toBeLessThan(0.6);
      expect(difference(ours, picture())).toBeGreaterThan(1);
    }
  });

  test('reduces and enlarges by the filter that preprocess uses', () => {
    const small = resample({ data: picture(), width: size, height: size, channels: 1 }, { width: 24, height: 24 });
    const expected = resample({ data: small, width: 24, height: 24, channels: 1 }, { width: size, height: size });
    // 0.9 - 0.55 * strength is one half.
    expect(difference(degraded(picture(), 'reduced', 0.4 / 0.55), expected)).toBeLessThan(1e-3);
  });

  test('blurs a point into a Gaussian of the given width', () => {
    const point = new Float32Array(size * size);
    point[24 * size + 24] = 255;
    const out = degraded(point, 'blur', 0.5);
    const sigma = 1.0;
    expect(out[24 * size + 25] / out[24 * size + 24]).toBeCloseTo(Math.exp(-1 / (2 * sigma ** 2)), 3);
    expect(out[26 * size + 24] / out[24 * size + 24]).toBeCloseTo(Math.exp(-4 / (2 * sigma ** 2)), 3);
  });

  test('adds noise of mean 0 and the given deviation', () => {
    const flat = new Float32Array(size * size).fill(128);
    const noise = degraded(flat, 'noise', 1).map((level) => level - 128);
    const mean = noise.reduce((sum, value) => sum + value, 0) / noise.length;
    const deviation = Math.sqrt(noise.reduce((sum, value) => sum + value * value, 0) / noise.length);
    expect(Math.abs(mean)).toBeLessThan(2);
    expect(deviation / (0.08 * 255)).toBeCloseTo(1, 1);
  });

  test('leaves an even picture even, blurred, compressed or reduced, on any scale of levels', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('blur' as const, 'reduced' as const),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (kind, strength, level) => {
          const even = new Float32Array(size * size).fill(level);
          expect(difference(degraded(even, kind, strength, 1), even)).toBeLessThan(1e-5);
        },
      ),
      { numRuns: 50 },
    );
    const grey = new Float32Array(size * size).fill(128 / 255);
    expect(difference(degraded(grey, 'jpeg', 0.5, 1), grey)).toBeLessThan(1e-5);
  });

  test('works on colours and on sides that are not a multiple of 8', () => {
    const data = Float32Array.from({ length: 13 * 9 * 3 }, (_, i) => (i * 37) % 256);
    for (let seed = 0; seed < 40; seed++) {
      const levels = { data: Float32Array.from(data), width: 13, height: 9, channels: 3 };
      degrade(levels, 255, randomStream(seed));
      expect(levels.data.every(Number.isFinite)).toBe(true);
      expect(difference(levels.data, data)).toBeGreaterThan(0);
    }
  });
});

describe('degrade, on colours and sides that are not a multiple of 8', () => {
  const sides: [number, number, number][] = [
    [13, 9, 3],
    [7, 17, 1],
    [1, 10, 1],
  ];

  test('the first draw chooses one of the four with equal probability; the second the strength', () => {
    const one = noiseLevels(9, 9, 1);
    const by = (first: number) => changed(one, [first, 0.5]);
    for (const [low, high] of [
      [0, 0.2499],
      [0.25, 0.4999],
      [0.5, 0.7499],
      [0.75, 0.9999],
    ]) {
      expect(by(low)).toEqual(by(high));
    }
    expect(new Set([0, 0.25, 0.5, 0.75].map((first) => by(first).join())).size).toBe(4);
  });

  test.each([
    [0, 0.4],
    [0.25, 0.7],
    [1, 1.6],
  ])('at strength %d blurs by a Gaussian of %d pixels, whose weights sum to 1 at every edge', (strength, sigma) => {
    for (const side of sides) {
      const image = noiseLevels(...side);
      const bell = (distance: number) => Math.exp(-(distance ** 2) / (2 * sigma ** 2));
      const expected = filtered(image, (x, y, fromX, fromY) => bell(Math.hypot(x - fromX, y - fromY)));
      expectClose(changed(image, [0, strength]), expected, 3);
    }
  });

  test.each([
    [0, 0.01],
    [0.5, 0.045],
    [1, 0.08],
  ])('at strength %d adds noise of %d of the range, by Box and Muller', (strength, share) => {
    // A radius of one deviation, in the four directions: two numbers each, the last without its second.
    const radius = 1 - Math.exp(-0.5);
    const draws = [0, 0.25, 0.5, 0.75].flatMap((turn) => [radius, turn]);
    const wanted = [1, 0, 0, 1, -1, 0, 0];
    for (const range of [1, 255]) {
      const image = { data: new Float32Array(7).fill(range / 2), width: 7, height: 1, channels: 1 };
      const expected = wanted.map((sign) => range / 2 + sign * share * range);
      expectClose(changed(image, [0.25, strength, ...draws], range), expected, range === 1 ? 6 : 4);
    }
    const twice = { data: new Float32Array(2), width: 2, height: 1, channels: 1 };
    // 1 - e^-2 gives twice the deviation: the root of -2 ln e^-2.
    expectClose(changed(twice, [0.25, strength, 1 - Math.exp(-2), 0]), [2 * share * 255, 0], 4);
  });

  test.each([
    [0, 60],
    [0.3, 45],
    [1, 10],
  ])('at strength %d compresses as the cosine transform of T.81 says, at quality %d', (strength, quality) => {
    for (const side of sides) {
      const image = noiseLevels(...side);
      expectClose(changed(image, [0.5, strength]), compressed(image, quality), 2);
      const unit = { ...image, data: image.data.map((level) => level / 255) };
      expectClose(
        changed(unit, [0.5, strength], 1),
        compressed(image, quality).map((level) => level / 255),
        4,
      );
    }
  });

  test.each([
    [0, 0.9],
    [0.5, 0.625],
    [1, 0.35],
  ])('at strength %d reduces to %d of each side, at least a pixel, and enlarges again', (strength, share) => {
    for (const side of sides) {
      const image = noiseLevels(...side);
      const [width, height, channels] = side as [number, number, 1 | 3];
      const small = {
        width: Math.max(1, Math.round(width * share)),
        height: Math.max(1, Math.round(height * share)),
        channels,
      };
      const data = resample({ ...image, channels }, small);
      expectClose(changed(image, [0.75, strength]), resample({ data, ...small }, { width, height, channels }), 2);
    }
  });
});

function changed(image: Levels, draws: number[], range = 255): Float32Array {
  const data = Float32Array.from(image.data);
  let next = 0;
  degrade({ ...image, data }, range, () => draws[next++]);
  return data;
}

function expectClose(out: ArrayLike<number>, expected: ArrayLike<number>, digits: number): void {
  expect(out.length).toBe(expected.length);
  const furthest = Math.max(...Array.from(out, (level, k) => Math.abs(level - expected[k])));
  expect(furthest).toBeLessThan(0.5 * 10 ** -digits);
}

/** Every pixel as the mean of all, each with its weight. */
function filtered(image: Levels, weight: (x: number, y: number, fromX: number, fromY: number) => number): number[] {
  const { data, width, channels } = image;
  return Array.from(data, (_, k) => {
    const [x, y] = [Math.floor(k / channels) % width, Math.floor(k / channels / width)];
    let [sum, weights] = [0, 0];
    for (let from = k % channels; from < data.length; from += channels) {
      const w = weight(x, y, Math.floor(from / channels) % width, Math.floor(from / channels / width));
      sum += w * data[from];
      weights += w;
    }
    return sum / weights;
  });
}

/** ITU-T T.81, A.3.3 as it is written there: sums of four factors over each block, outside the picture its edge again. */
function compressed({ data, width, height, channels }: Levels, quality: number): number[] {
  const scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;
  const factor = (x: number, u: number) => Math.cos(((2 * x + 1) * u * Math.PI) / 16) * (u === 0 ? Math.SQRT1_2 : 1);
  const eight = [0, 1, 2, 3, 4, 5, 6, 7];
  const places = eight.flatMap((y) => eight.map((x) => [x, y]));
  return Array.from(data, (_, k) => {
    const c = k % channels;
    const [x, y] = [Math.floor(k / channels) % width, Math.floor(k / channels / width)];
    const [left, top] = [x - (x % 8), y - (y % 8)];
    const level = ([dx, dy]: number[]) =>
      data[(Math.min(height - 1, top + dy) * width + Math.min(width - 1, left + dx)) * channels + c] - 128;
    let sum = 128;
    for (const [u, v] of places) {
      const step = Math.min(255, Math.floor((K1[8 * v + u] * scale + 50) / 100));
      let coefficient = 0;
      for (const place of places) coefficient += level(place) * factor(place[0], u) * factor(place[1], v);
      sum += (step * Math.round(coefficient / 4 / step) * factor(x % 8, u) * factor(y % 8, v)) / 4;
    }
    return sum;
  });
}

/** T.81, table K.1. */
const K1 = [
  ...[16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55],
  ...[14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62],
  ...[18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92],
  ...[49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99],
];
