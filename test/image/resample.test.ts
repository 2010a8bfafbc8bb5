import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ResampleOptions, resample } from '../../src/image/resample.js';
import type { PixelImage } from '../../src/runtime.js';
import { randomStream } from '../../src/tfjs/train/random.js';
import fc from '../fast-check.js';

interface Golden {
  cases: {
    seed: number;
    width: number;
    height: number;
    channels: 1 | 3;
    mean: number;
    std: number;
    at: number[];
    values: number[];
  }[];
}

const goldenFile = resolve(process.env.FER_SHARED ?? '../shared', 'golden/resize.json');
const golden: Golden | null = existsSync(goldenFile) ? JSON.parse(readFileSync(goldenFile, 'utf8')) : null;
if (!golden) console.warn(`\n!!! ${goldenFile} is missing: the resize is NOT compared with Pillow's numbers !!!\n`);

describe('resample', () => {
  test.skipIf(!golden).each(golden?.cases ?? [])(
    'meets the numbers of Pillow: $width x $height x $channels, seed $seed',
    ({ seed, width, height, channels, mean, std, at, values }) => {
      const data = Uint8Array.from({ length: width * height * channels }, (_, k) => {
        const row = Math.floor(Math.floor(k / channels) / width);
        return (31 * k + 57 * row + Math.floor((k * k) / 97) + 11 * seed) % 256;
      });
      const result = resample({ data, width, height, channels });
      expect(Math.abs(meanOf(result) - mean)).toBeLessThan(1e-3);
      expect(Math.abs(Math.sqrt(meanOf(result.map((v) => (v - mean) ** 2))) - std)).toBeLessThan(1e-3);
      expect(
        gap(
          Float32Array.from(at, (index) => result[index]),
          values,
        ),
      ).toBeLessThan(1e-3);
    },
  );

  test('a constant image stays constant, for any sizes and box', () => {
    fc.assert(
      fc.property(
        size(),
        size(),
        size(),
        size(),
        level(),
        level(),
        level(),
        fc.boolean(),
        (w, h, W, H, r, g, b, cut) => {
          const data = Uint8Array.from({ length: w * h * 3 }, (_, k) => [r, g, b][k % 3]);
          const image: PixelImage = { data, width: w, height: h, channels: 3 };
          const box = cut ? { x: -0.3 * w, y: 0.4 * h, width: 1.7 * w, height: 2.2 * h } : undefined;
          const luma = Math.fround(0.299 * r + 0.587 * g + 0.114 * b);
          const grey = resample(image, { width: W, height: H, box });
          expect(gap(grey, new Float32Array(W * H).fill(luma))).toBeLessThan(5e-5);
          const colour = resample(image, { width: W, height: H, box, channels: 3 });
          expect(
            gap(
              colour,
              Uint8Array.from({ length: W * H * 3 }, (_, k) => [r, g, b][k % 3]),
            ),
          ).toBeLessThan(5e-5);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('no value leaves the range of the image', () => {
    fc.assert(
      fc.property(image(1), size(), size(), (grey, width, height) => {
        const result = resample(grey, { width, height });
        expect(Math.min(...result)).toBeGreaterThanOrEqual(Math.min(...grey.data) - 1e-4);
        expect(Math.max(...result)).toBeLessThanOrEqual(Math.max(...grey.data) + 1e-4);
      }),
    );
  });

  test('the mean is kept when the size is halved, but for the edges', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 64 * 64, maxLength: 64 * 64 }), (data) => {
        const before = meanOf(Float32Array.from(data));
        const after = meanOf(resample({ data, width: 64, height: 64, channels: 1 }));
        // Only the outermost pixels weigh more than inner ones: their share bounds the difference.
        expect(Math.abs(after - before)).toBeLessThan(255 * 0.04);
      }),
      { numRuns: 20 },
    );
  });

  test('a flipped image gives the flipped result', () => {
    fc.assert(
      fc.property(image(1), (grey) => {
        const { width, height } = grey;
        const data = grey.data.map((_, k) => grey.data[k - (k % width) + (width - 1 - (k % width))]);
        const flipped = resample({ data, width, height, channels: 1 });
        const back = flipped.map((_, k) => flipped[k - (k % 32) + 31 - (k % 32)]);
        expect(gap(resample(grey), back)).toBeLessThan(5e-4);
      }),
    );
  });

  test('a box of whole numbers is the same as cutting it out first', () => {
    fc.assert(
      fc.property(image(3), fc.nat(), fc.nat(), fc.nat(), fc.nat(), (rgb, a, b, c, d) => {
        const box = { x: a % rgb.width, y: b % rgb.height, width: 0, height: 0 };
        box.width = 1 + (c % (rgb.width - box.x));
        box.height = 1 + (d % (rgb.height - box.y));
        expect(gap(resample(rgb, { box }), resample(crop(rgb, box)))).toBe(0);
        expect(gap(resample(rgb, { box, channels: 3 }), resample(crop(rgb, box), { channels: 3 }))).toBe(0);
      }),
    );
  });

  test('where a box reaches outside, the edge is repeated', () => {
    fc.assert(
      fc.property(image(1), fc.nat(9), fc.nat(9), fc.nat(9), fc.nat(9), (grey, left, top, right, bottom) => {
        const { width, height } = grey;
        const box = { x: -left, y: -top, width: width + left + right, height: height + top + bottom };
        fc.pre(box.width <= 8 * width && box.height <= 8 * height);
        const data = Uint8Array.from({ length: box.width * box.height }, (_, k) => {
          const x = Math.min(Math.max((k % box.width) - left, 0), width - 1);
          const y = Math.min(Math.max(Math.floor(k / box.width) - top, 0), height - 1);
          return grey.data[y * width + x];
        });
        const padded = resample({ data, width: box.width, height: box.height, channels: 1 });
        expect(gap(resample(grey, { box }), padded)).toBeLessThan(5e-4);
      }),
    );
  });

  test('a fractional box lies between its neighbours', () => {
    const ramp: PixelImage = {
      data: Uint8Array.from({ length: 100 }, (_, k) => k),
      width: 100,
      height: 1,
      channels: 1,
    };
    const at = (x: number) => resample(ramp, { width: 1, height: 1, box: { x, y: 0, width: 1, height: 1 } })[0];
    expect(at(50)).toBe(50);
    expect(at(50.25)).toBeCloseTo(50.25, 5);
    expect(at(50.5)).toBeCloseTo(50.5, 5);
  });

  test('grey and RGB of equal levels give the same luma, exactly', () => {
    fc.assert(
      fc.property(image(1), (grey) => {
        const rgb = Uint8Array.from({ length: grey.data.length * 3 }, (_, k) => grey.data[Math.floor(k / 3)]);
        const luma = resample(grey);
        expect(gap(resample({ ...grey, data: rgb, channels: 3 }), luma)).toBe(0);
        const thrice = Float32Array.from({ length: luma.length * 3 }, (_, k) => luma[Math.floor(k / 3)]);
        expect(gap(resample(grey, { channels: 3 }), thrice)).toBe(0);
      }),
    );
  });

  test('alpha is composited on black, to the nearest level', () => {
    fc.assert(
      fc.property(image(4), (rgba) => {
        const rgb = Uint8Array.from({ length: (rgba.data.length / 4) * 3 }, (_, k) => {
          const pixel = Math.floor(k / 3) * 4;
          return Math.round((rgba.data[pixel + (k % 3)] * rgba.data[pixel + 3]) / 255);
        });
        expect(gap(resample(rgba), resample({ ...rgba, data: rgb, channels: 3 }))).toBe(0);
      }),
    );
  });

  test('clamped and float arrays give what plain bytes give', () => {
    fc.assert(
      fc.property(image(4), (rgba) => {
        const expected = resample(rgba);
        expect(gap(resample({ ...rgba, data: Uint8ClampedArray.from(rgba.data) }), expected)).toBe(0);
        expect(gap(resample({ ...rgba, data: Float32Array.from(rgba.data) }), expected)).toBe(0);
      }),
    );
  });

  const grey: PixelImage = {
    data: Uint8Array.from({ length: 16 }, (_, k) => 10 * k),
    width: 4,
    height: 4,
    channels: 1,
  };
  const box = (x: number, y: number, width: number, height: number) => ({ box: { x, y, width, height } });

  test.each<[ResampleOptions, string]>([
    [{ width: 0 }, 'width must be a whole number from 1 to 4096, got 0'],
    [{ width: 4097 }, 'width must be a whole number from 1 to 4096, got 4097'],
    [{ width: 1e9 }, 'width must be a whole number from 1 to 4096, got 1000000000'],
    [{ height: 1.5 }, 'height must be a whole number from 1 to 4096, got 1.5'],
    [{ height: '32' as unknown as number }, 'height must be a whole number from 1 to 4096, got "32"'],
    [{ channels: 2 as 1 }, 'channels must be 1 or 3, got 2'],
    [box(4, 0, 2, 2), 'box { x: 4, y: 0, width: 2, height: 2 } lies outside the image of 4x4 pixels'],
    [box(0, 4, 2, 2), 'box { x: 0, y: 4, width: 2, height: 2 } lies outside the image of 4x4 pixels'],
    [box(-2, 0, 2, 2), 'box { x: -2, y: 0, width: 2, height: 2 } lies outside the image of 4x4 pixels'],
    [box(0, -2, 2, 2), 'box { x: 0, y: -2, width: 2, height: 2 } lies outside the image of 4x4 pixels'],
    [box(0, 0, 33, 2), 'box { x: 0, y: 0, width: 33, height: 2 } is more than 8 times the image of 4x4 pixels'],
    [box(0, 0, 2, 33), 'box { x: 0, y: 0, width: 2, height: 33 } is more than 8 times the image of 4x4 pixels'],
    [
      box(Number.NaN, 0, 1, 2),
      'box { x: NaN, y: 0, width: 1, height: 2 } must have finite numbers and a width and height above 0',
    ],
    [
      box(0, 0, 0, 2),
      'box { x: 0, y: 0, width: 0, height: 2 } must have finite numbers and a width and height above 0',
    ],
  ])('refuses %j', (options, message) => {
    expect(() => resample(grey, options)).toThrow(expect.objectContaining({ code: 'OPTION', message }));
  });

  test('what is just within a limit is resampled: one pixel, 4096, a box that meets the image, one 8 times its size', () => {
    // Means of the levels 0, 10 .. 150.
    expect([...resample(grey, { width: 1, height: 1 })]).toEqual([75]);
    const wide = { data: Uint8Array.of(9), width: 1, height: 1, channels: 1 as const };
    expect(resample(wide, { width: 4096, height: 1 }).every((level) => level === 9)).toBe(true);
    expect(resample(wide, { width: 1, height: 4096 }).every((level) => level === 9)).toBe(true);
    const corner = (options: ResampleOptions) => resample(grey, { width: 1, height: 1, ...options })[0];
    expect(corner(box(3.9, 3.9, 1, 1))).toBeCloseTo(150, 4);
    expect(corner(box(-0.9, -0.9, 1, 1))).toBeCloseTo(0, 4);
    expect(corner(box(-14, -14, 32, 32))).toBeCloseTo(75, 4);
  });

  test('an `out` of another length is refused with the length that is wanted', () => {
    for (const length of [107, 109]) {
      expect(() => resample(grey, { width: 4, height: 9, channels: 3, out: new Float32Array(length) })).toThrow(
        expect.objectContaining({ code: 'SHAPE', message: `out must have 108 floats, got ${length}` }),
      );
    }
    const out = new Float32Array(108);
    expect(resample(grey, { width: 4, height: 9, channels: 3, out })).toBe(out);
  });
});

function size() {
  return fc.integer({ min: 1, max: 70 });
}

function level() {
  return fc.integer({ min: 0, max: 255 });
}

function image(channels: 1 | 3 | 4): fc.Arbitrary<PixelImage> {
  return fc.tuple(size(), size(), fc.integer()).map(([width, height, seed]) => {
    const random = randomStream(seed);
    // Every fifth level or so is one of the ends: opaque, transparent, black, white.
    const level = () => Math.min(Math.max(Math.floor(320 * random()) - 32, 0), 255);
    return { data: Uint8Array.from({ length: width * height * channels }, level), width, height, channels };
  });
}

function crop(rgb: PixelImage, box: { x: number; y: number; width: number; height: number }): PixelImage {
  const data = Uint8Array.from({ length: box.width * box.height * 3 }, (_, k) => {
    const pixel = Math.floor(k / 3);
    const x = box.x + (pixel % box.width);
    const y = box.y + Math.floor(pixel / box.width);
    return rgb.data[(y * rgb.width + x) * 3 + (k % 3)];
  });
  return { data, width: box.width, height: box.height, channels: 3 };
}

function meanOf(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

/** The largest difference of two results; NaN where one is longer, or no number. */
function gap(found: Float32Array, expected: ArrayLike<number>): number {
  let largest = 0;
  for (let k = 0; k < Math.max(found.length, expected.length); k++) {
    largest = Math.max(largest, Math.abs(found[k] - expected[k]));
  }
  return largest;
}
