import { describe, expect, test } from 'vitest';
import type { Raster } from '../../src/image/pixels.js';
import { pixelsToInput } from '../../src/image/pixels-to-input.js';
import { resample } from '../../src/image/resample.js';
import { type Crop, straighten } from '../../src/image/straighten.js';
import type { PixelImage } from '../../src/runtime.js';
import { randomStream } from '../../src/tfjs/train/random.js';
import fc from '../fast-check.js';

/** Level 20 + right * x + down * y at the centre of each pixel. */
function slope(
  right: number,
  down: number,
  side = 120,
): { data: Float32Array; width: number; height: number; channels: 1 } {
  const data = Float32Array.from({ length: side * side }, (_, k) => {
    return 20 + right * ((k % side) + 0.5) + down * (Math.floor(k / side) + 0.5);
  });
  return { data, width: side, height: side, channels: 1 };
}

describe('straighten', () => {
  test('a linear slope stays linear in the rotated rectangle, for any angle and size', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -Math.PI, max: Math.PI, noNaN: true }),
        fc.double({ min: 20, max: 60, noNaN: true }),
        fc.integer({ min: 4, max: 48 }),
        (angle, side, size) => {
          const crop = { x: 60 - side / 2, y: 60 - side / 2, width: side, height: side, angle };
          const found = straighten(slope(0.7, 0.9), crop, size, 1);
          expect(found.length).toBe(size * size);
          let within = true;
          for (let i = 0; i < size; i++) {
            for (let j = 0; j < size; j++) {
              const right = ((j + 0.5) / size - 0.5) * side;
              const down = ((i + 0.5) / size - 0.5) * side;
              const x = 60 + right * Math.cos(angle) - down * Math.sin(angle);
              const y = 60 + right * Math.sin(angle) + down * Math.cos(angle);
              // At the rim, resampling leans on the edge pixels.
              const rim = i === 0 || j === 0 || i === size - 1 || j === size - 1;
              const difference = Math.abs(found[i * size + j] - (20 + 0.7 * x + 0.9 * y));
              within &&= difference < (rim ? 0.3 * (side / size) + 0.5 : 0.5);
            }
          }
          expect(within).toBe(true);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('a quarter turn is the picture turned by a quarter, in colour', () => {
    const side = 40;
    const level = (x: number, y: number, c: number) => 128 + 60 * Math.sin(x / 6 + c) + 50 * Math.cos(y / 8);
    const data = Float32Array.from({ length: side * side * 3 }, (_, k) => {
      const pixel = Math.floor(k / 3);
      return level(pixel % side, Math.floor(pixel / side), k % 3);
    });
    const quarter = Float32Array.from({ length: side * side * 3 }, (_, k) => {
      const pixel = Math.floor(k / 3);
      // Where the turned rectangle goes right, the picture goes down; where it goes down, the picture goes left.
      return level(side - 1 - Math.floor(pixel / side), pixel % side, k % 3);
    });
    const crop = { x: 0, y: 0, width: side, height: side, angle: Math.PI / 2 };
    const found = straighten({ data, width: side, height: side, channels: 3 }, crop, 20, 3);
    const expected = resample(
      { data: quarter, width: side, height: side, channels: 3 },
      { width: 20, height: 20, channels: 3 },
    );
    for (const [k, value] of found.entries()) expect(Math.abs(value - expected[k])).toBeLessThan(3);
  });

  test('a picture of one colour stays that colour, beyond its edges too', () => {
    const grey: PixelImage = { data: new Uint8Array(30 * 20).fill(77), width: 30, height: 20, channels: 1 };
    for (const value of straighten(grey, { x: -10, y: 5, width: 50, height: 30, angle: 0.4 }, 16, 1)) {
      expect(value).toBeCloseTo(77, 4);
    }
  });

  test('gives nearly the same for a slightly turned box as for an upright one', () => {
    const image = slope(1, 0.5);
    const box = { x: 20, y: 30, width: 64, height: 64 };
    const upright = pixelsToInput(image, { box });
    const turned = pixelsToInput(image, { box: { ...box, angle: 1e-6 } });
    for (const [k, value] of turned.entries()) expect(Math.abs(value - upright[k])).toBeLessThan(2 / 255);
  });

  test('follows its three documented steps: enlarge four times, turn, reduce', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(
        fc.double({ min: -4, max: 4, noNaN: true }),
        fc.tuple(share, share, share, share),
        fc.integer({ min: 1, max: 6 }),
        fc.constantFrom(1, 3),
        fc.constantFrom(1, 3, 4),
        fc.integer(),
        (angle, [a, b, c, d], size, channels, of, seed) => {
          const random = randomStream(seed);
          const image = { data: Uint8Array.from({ length: 600 * of }, () => 256 * random()), width: 30, height: 20 };
          const raster = { ...image, channels: of as 1 | 3 | 4 };
          const crop = { x: 20 * a - 3, y: 15 * b - 3, width: 4 + 20 * c, height: 4 + 20 * d, angle };
          const found = straighten(raster, crop, size, channels as 1 | 3);
          expect(gap(found, slowStraighten(raster, crop, size, channels as 1 | 3))).toBeLessThan(1e-3);
        },
      ),
    );
  });

  test('a large colour image after smaller ones has enough memory', () => {
    const random = randomStream(5);
    const data = Uint8Array.from({ length: 40 * 40 * 3 }, () => 256 * random());
    const image: Raster = { data, width: 40, height: 40, channels: 3 };
    const crop = { x: 5, y: 5, width: 30, height: 30, angle: 0.5 };
    for (const size of [2, 64, 3]) {
      expect(gap(straighten(image, crop, size, 3), slowStraighten(image, crop, size, 3))).toBeLessThan(1e-3);
    }
  });

  test('gives without an angle the same as with angle 0, and nearly the same as resample', () => {
    const image = slope(1, 0.5);
    const box = { x: 20, y: 30, width: 64, height: 48 };
    const found = straighten(image, box, 16, 1);
    expect(gap(found, straighten(image, { ...box, angle: 0 }, 16, 1))).toBe(0);
    expect(gap(found, resample(image, { width: 16, height: 16, box }))).toBeLessThan(1);
  });

  test('writes into the given array', () => {
    const out = new Float32Array(16);
    const crop = { x: 20, y: 30, width: 64, height: 64, angle: 1 };
    expect(straighten(slope(1, 1), crop, 4, 1, out)).toBe(out);
    expect(gap(out, straighten(slope(1, 1), crop, 4, 1))).toBe(0);
  });

  const box = { x: 20, y: 30, width: 64, height: 64, angle: 1 };

  test.each<[string, object, number, string | RegExp]>([
    ['an angle of NaN', { angle: Number.NaN }, 32, 'the angle of a box must be a finite number, got NaN'],
    ['an endless angle', { angle: Infinity }, 32, 'the angle of a box must be a finite number, got Infinity'],
    ['an angle as text', { angle: '1' }, 32, 'the angle of a box must be a finite number, got "1"'],
    [
      'a box of no width',
      { width: 0 },
      32,
      'box { x: 20, y: 30, width: 0, height: 64 } must have finite numbers and a width and height above 0',
    ],
    ['a box elsewhere', { x: 500 }, 32, /^box \{ x: .* \} lies outside the image of 120x120 pixels$/],
    ['size 0', {}, 0, 'size must be a whole number from 1 to 2048, got 0'],
    ['size 1.5', {}, 1.5, 'size must be a whole number from 1 to 2048, got 1.5'],
    ['size 2049', {}, 2049, 'size must be a whole number from 1 to 2048, got 2049'],
    // Of size 2048, four times as dense is too wide already.
    ['size 2048', { angle: 0 }, 2048, 'width must be a whole number from 1 to 4096, got 8192'],
    // A needle: 64 / 0.001 * sin(1) * 128 columns; then as many rows; then more than fit in 31 bits.
    ['a needle', { width: 0.001 }, 32, /^width must be a whole number from 1 to 4096, got 6893\d{3}$/],
    ['a flat needle', { height: 0.001 }, 32, /^height must be a whole number from 1 to 4096, got 6893\d{3}$/],
    ['a finer needle', { width: 1e-7 }, 32, 'width must be a whole number from 1 to 4096, got 1073741824'],
    ['a finer flat needle', { height: 1e-7 }, 32, 'height must be a whole number from 1 to 4096, got 1073741824'],
  ])('%s is refused', (_, change, size, message) => {
    const told = typeof message === 'string' ? message : expect.stringMatching(message);
    expect(() => straighten(slope(1, 1), { ...box, ...change }, size, 1)).toThrow(
      expect.objectContaining({ code: 'OPTION', message: told }),
    );
  });

  test('an angle or box out of its range is refused as an option of pixelsToInput too', () => {
    for (const change of [{ angle: Number.NaN }, { angle: Infinity }, { width: 0 }, { x: 500 }]) {
      expect(() => pixelsToInput(slope(1, 1), { box: { ...box, ...change } })).toThrow(
        expect.objectContaining({ code: 'OPTION' }),
      );
    }
  });
});

/** The three steps by the docstring, each pixel by itself. */
function slowStraighten(image: Raster, { x, y, width, height, angle = 0 }: Crop, size: number, channels: 1 | 3) {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  /** A point of the crop, from its centre, where the turned one lies on the image. */
  const onImage = (right: number, down: number) => [
    x + width / 2 + right * cos - down * sin,
    y + height / 2 + right * sin + down * cos,
  ];
  const wide = Math.abs(width * cos) + Math.abs(height * sin);
  const high = Math.abs(width * sin) + Math.abs(height * cos);
  const around = { x: x + (width - wide) / 2, y: y + (height - high) / 2, width: wide, height: high };

  const dense = 4 * size;
  const columns = Math.ceil((wide / width) * dense);
  const rows = Math.ceil((high / height) * dense);
  const levels = resample(image, { width: columns, height: rows, channels, box: around });
  const clamp = (value: number, last: number) => Math.min(Math.max(value, 0), last);
  const turned = Float32Array.from({ length: dense * dense * channels }, (_, k) => {
    const pixel = Math.floor(k / channels);
    const right = (((pixel % dense) + 0.5) / dense - 0.5) * width;
    const down = ((Math.floor(pixel / dense) + 0.5) / dense - 0.5) * height;
    const [imageX, imageY] = onImage(right, down);
    const u = clamp(((imageX - around.x) / around.width) * columns - 0.5, columns - 1);
    const v = clamp(((imageY - around.y) / around.height) * rows - 0.5, rows - 1);
    let sum = 0;
    for (const column of [Math.floor(u), Math.floor(u) + 1]) {
      for (const row of [Math.floor(v), Math.floor(v) + 1]) {
        const weight = (1 - Math.abs(u - column)) * (1 - Math.abs(v - row));
        if (weight > 0) sum += weight * levels[(row * columns + column) * channels + (k % channels)];
      }
    }
    return sum;
  });
  return resample({ data: turned, width: dense, height: dense, channels }, { width: size, height: size, channels });
}

/** The largest difference of two results; NaN where one is longer, or no number. */
function gap(found: Float32Array, expected: ArrayLike<number>): number {
  let largest = 0;
  for (let k = 0; k < Math.max(found.length, expected.length); k++) {
    largest = Math.max(largest, Math.abs(found[k] - expected[k]));
  }
  return largest;
}
