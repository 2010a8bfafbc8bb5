import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Normalization, normalize } from '../../src/image/normalize.js';

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

  test("'localContrast' meets its formula, computed the slow way", () => {
    fc.assert(
      fc.property(levels(), (image) => {
        const expected = slowLocalContrast(image);
        normalize(image.slice(), { normalization: 'localContrast' }).forEach((value, k) => {
          expect(value).toBeCloseTo(expected[k], 5);
        });
      }),
      { numRuns: 5 },
    );
  });

  test("'localContrast' hardly sees a change of light", () => {
    const image = Float32Array.from({ length: 1024 }, (_, k) => 100 + 40 * Math.sin(k * k));
    const darker = image.map((level) => level * 0.5 + 20);
    const bright = normalize(image, { normalization: 'localContrast' });
    normalize(darker, { normalization: 'localContrast' }).forEach((value, k) => {
      expect(value).toBeCloseTo(bright[k], 4);
    });
  });

  test.each(NORMALIZATIONS)('%s is finite for every image, of any size and channel count', (normalization) => {
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

  test.each(['standardize', 'localContrast'] as const)('%s of one colour is zero, exactly', (normalization) => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 255, noNaN: true }), (level) => {
        const image = new Float32Array(1024).fill(level);
        expect(normalize(image, { normalization }).every((value) => value === 0)).toBe(true);
      }),
    );
  });

  test("'localContrast' of three channels is that of each channel alone", () => {
    const image = Float32Array.from({ length: 3072 }, (_, k) => (k * 37) % 251);
    const together = normalize(image.slice(), { normalization: 'localContrast', channels: 3 });
    for (let c = 0; c < 3; c++) {
      const pick = (_: number, k: number) => k % 3 === c;
      expect([...together.filter(pick)]).toEqual([
        ...normalize(image.filter(pick), { normalization: 'localContrast' }),
      ]);
    }
  });

  test('works in place', () => {
    const image = new Float32Array(1024).fill(255);
    expect(normalize(image)).toBe(image);
    expect(image[5]).toBe(1);
  });

  test('an unknown normalization is refused by name', () => {
    expect(() => normalize(new Float32Array(1024), { normalization: 'Unit' as 'unit' })).toThrow(
      expect.objectContaining({ code: 'OPTION', message: expect.stringContaining('"Unit"') }),
    );
  });

  test('a length that is no whole number of rows is refused', () => {
    expect(() => normalize(new Float32Array(1000))).toThrow(expect.objectContaining({ code: 'SHAPE' }));
    expect(() => normalize(new Float32Array(0))).toThrow(expect.objectContaining({ code: 'SHAPE' }));
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
function slowLocalContrast(image: Float32Array): number[] {
  const blur = (plane: number[]) =>
    plane.map((_, at) => {
      let sum = 0;
      let total = 0;
      plane.forEach((value, k) => {
        const dx = (k % 32) - (at % 32);
        const dy = Math.floor(k / 32) - Math.floor(at / 32);
        if (Math.abs(dx) > 12 || Math.abs(dy) > 12) return;
        const weight = Math.exp(-(dx * dx + dy * dy) / 32);
        sum += weight * value;
        total += weight;
      });
      return sum / total;
    });
  const x = [...image].map((level) => level / 255);
  const around = blur(x);
  const r = x.map((value, k) => value - around[k]);
  const s = blur(r.map((value) => value * value)).map(Math.sqrt);
  const floor = s.reduce((sum, value) => sum + value, 0) / s.length / 2;
  return r.map((value, k) => value / Math.max(s[k], floor, 1e-4));
}
