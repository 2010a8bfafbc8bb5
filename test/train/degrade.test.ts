import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { resample } from '../../src/image/resample.js';
import type { Levels } from '../../src/train/augment.js';
import { degrade } from '../../src/train/degrade.js';
import { randomStream } from '../../src/train/random.js';

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

  test('works on colours and on sides that are no multiple of 8', () => {
    const data = Float32Array.from({ length: 13 * 9 * 3 }, (_, i) => (i * 37) % 256);
    for (let seed = 0; seed < 40; seed++) {
      const levels = { data: Float32Array.from(data), width: 13, height: 9, channels: 3 };
      degrade(levels, 255, randomStream(seed));
      expect(levels.data.every(Number.isFinite)).toBe(true);
      expect(difference(levels.data, data)).toBeGreaterThan(0);
    }
  });
});
