import { afterEach, describe, expect, test } from 'vitest';
import { type Normalization, normalize } from '../../src/image/normalize.js';
import { usePixelKernels } from '../../src/image/pixel-kernels.js';
import { randomStream } from '../../src/tfjs/train/random.js';
import fc from '../fast-check.js';

afterEach(() => usePixelKernels('kernels'));

const NORMALIZATIONS: Normalization[] = ['unit', 'standardize', 'localContrast'];

describe('normalize', () => {
  test("'unit' is level / 255, and the default", () => {
    expect([...normalize(Float32Array.of(0, 51, 255), { width: 3 })]).toEqual([0, Math.fround(0.2), 1]);
  });

  test("'standardize' gives mean 0 and standard deviation 1", () => {
    fc.assert(
      fc.property(levels(), (image) => {
        fc.pre(deviation(image) > 16);
        const result = normalize(image.slice(), { normalization: 'standardize' });
        expect(mean(result)).toBeCloseTo(0, 5);
        expect(deviation(result)).toBeCloseTo(1, 5);
      }),
    );
  });

  test("'standardize' divides by no less than 1 / sqrt(n), as TensorFlow does", () => {
    // 100 and 101 in turn: mean 100.5, deviation 0.5 / 255, floor 1 / 32.
    const image = Float32Array.from({ length: 1024 }, (_, k) => 100 + (k % 2));
    const result = normalize(image, { normalization: 'standardize' });
    expect(result[0]).toBeCloseTo((-0.5 / 255) * 32, 6);
    expect(result[1]).toBeCloseTo((0.5 / 255) * 32, 6);
  });

  test.each(['kernels', 'none'] as const)("'localContrast' meets its formula, computed the slow way: %s", (use) => {
    usePixelKernels(use);
    const sides = [...[32, 32, 1, 1, 1, 40, 40, 1, 12, 13], ...[13, 26, 25, 7, 26, 5, 3, 34, 11, 9]];
    for (let k = 0; k < sides.length; k += 2) {
      const random = randomStream(k);
      const width = sides[k];
      const image = Float32Array.from({ length: width * sides[k + 1] }, () => Math.floor(256 * random()));
      const found = normalize(image.slice(), { normalization: 'localContrast', width });
      expect(gap(found, slowLocalContrast(image, width))).toBeLessThan(5e-6);
    }
  });

  test.each(['kernels', 'none'] as const)("'localContrast' leaves what hardly differs as it is: %s", (use) => {
    usePixelKernels(use);
    // Stripes of 0 and 255 on the left; on the right, where no stripe is within reach, 100 and 101.
    const image = Float32Array.from({ length: 32 * 64 }, (_, k) => {
      return k % 64 < 32 ? 255 * (k % 2) : 100 + (k % 2);
    });
    const found = normalize(image.slice(), { normalization: 'localContrast', width: 64 });
    expect(gap(found, slowLocalContrast(image, 64))).toBeLessThan(5e-6);
    // A stripe's deviation is about half of white, so that the mean is a quarter and what divides an eighth of white.
    expect(Math.abs(found[32 * 64 - 1])).toBeLessThan(0.05);
    expect(Math.abs(found[15 * 64])).toBeGreaterThan(0.9);
  });

  test("'localContrast' hardly changes with the light", () => {
    const image = Float32Array.from({ length: 1024 }, (_, k) => 100 + 40 * Math.sin(k * k));
    const darker = image.map((level) => level * 0.5 + 20);
    const bright = normalize(image, { normalization: 'localContrast' });
    expect(gap(normalize(darker, { normalization: 'localContrast' }), bright)).toBeLessThan(5e-5);
  });

  test.each(NORMALIZATIONS)('%s is finite for every image of any size and channel count', (normalization) => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 20 }),
        fc.constantFrom(1, 3),
        fc.array(fc.oneof(fc.constantFrom(0, 255, 7), fc.float({ min: 0, max: 255, noNaN: true })), { minLength: 1 }),
        (width, height, channels, seeds) => {
          const image = Float32Array.from({ length: width * height * channels }, (_, k) => seeds[k % seeds.length]);
          expect(normalize(image, { normalization, width, channels }).every(Number.isFinite)).toBe(true);
        },
      ),
    );
  });

  test.each([
    ['standardize', 'kernels', 1],
    ['standardize', 'kernels', 3],
    ['localContrast', 'kernels', 1],
    ['localContrast', 'none', 1],
    ['localContrast', 'none', 3],
  ] as const)('%s of one colour is zero, exactly: %s, %d channels', (normalization, use, channels) => {
    usePixelKernels(use);
    fc.assert(
      fc.property(fc.double({ min: 0, max: 255, noNaN: true }), (level) => {
        const image = new Float32Array(20 * 20 * channels).fill(level);
        const input = normalize(image, { normalization, width: 20, channels });
        expect(input.every((value) => value === 0)).toBe(true);
      }),
    );
  });

  test("'localContrast' of three channels is that of each channel alone", () => {
    const image = Float32Array.from({ length: 3072 }, (_, k) => (k * 37) % 251);
    const together = normalize(image.slice(), { normalization: 'localContrast', channels: 3 });
    for (let c = 0; c < 3; c++) {
      const pick = (_: number, k: number) => k % 3 === c;
      expect(gap(together.filter(pick), normalize(image.filter(pick), { normalization: 'localContrast' }))).toBe(0);
    }
  });

  test('works in place', () => {
    const image = new Float32Array(1024).fill(255);
    expect(normalize(image)).toBe(image);
    expect(image[5]).toBe(1);
  });

  test('an unknown normalization is refused by name', () => {
    expect(() => normalize(new Float32Array(1024), { normalization: 'Unit' as 'unit' })).toThrow(
      expect.objectContaining({
        code: 'OPTION',
        message: `normalization must be 'unit', 'standardize' or 'localContrast', got "Unit"`,
      }),
    );
  });

  test.each([
    [1000, 32, 1],
    [0, 32, 1],
    [3, 3, 3],
    [10, 3, 3],
  ])('%d levels, which are not whole rows of %d pixels with %d channels, are refused', (length, width, channels) => {
    const message = `normalize expects rows of ${width} x ${channels} levels, got ${length} levels`;
    expect(() => normalize(new Float32Array(length), { width, channels })).toThrow(
      expect.objectContaining({ code: 'SHAPE', message }),
    );
  });

  test('gives a large image after a small one, and a small one after it, the values that they have alone', () => {
    usePixelKernels('none');
    const image = (side: number) => Float32Array.from({ length: side * side }, (_, k) => (k * k * 31) % 256);
    const contrast = (side: number) => normalize(image(side), { normalization: 'localContrast', width: side });
    for (const side of [2, 20, 7]) expect(gap(contrast(side), slowLocalContrast(image(side), side))).toBeLessThan(5e-6);
  });
});

function levels() {
  return fc.uint8Array({ minLength: 1024, maxLength: 1024 }).map((data) => Float32Array.from(data));
}

function mean(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function deviation(values: Float32Array): number {
  const center = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - center) ** 2, 0) / values.length);
}

/** The formula of the docstring, pixel by pixel in two dimensions at once. */
function slowLocalContrast(image: Float32Array, width: number): number[] {
  const bell = Array.from({ length: 289 }, (_, squares) => Math.exp(-squares / 32));
  const blur = (plane: number[]) =>
    plane.map((_, at) => {
      let sum = 0;
      let total = 0;
      for (let k = 0; k < plane.length; k++) {
        const dx = (k % width) - (at % width);
        const dy = Math.floor(k / width) - Math.floor(at / width);
        if (Math.abs(dx) > 12 || Math.abs(dy) > 12) continue;
        const weight = bell[dx * dx + dy * dy];
        sum += weight * plane[k];
        total += weight;
      }
      return sum / total;
    });
  const x = [...image].map((level) => level / 255);
  const around = blur(x);
  const r = x.map((value, k) => value - around[k]);
  const s = blur(r.map((value) => value * value)).map(Math.sqrt);
  const floor = s.reduce((sum, value) => sum + value, 0) / s.length / 2;
  return r.map((value, k) => value / Math.max(s[k], floor, 1e-4));
}

/** The largest difference of two results; NaN where one is longer, or no number. */
function gap(found: Float32Array, expected: ArrayLike<number>): number {
  let largest = 0;
  for (let k = 0; k < Math.max(found.length, expected.length); k++) {
    largest = Math.max(largest, Math.abs(found[k] - expected[k]));
  }
  return largest;
}
