import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PixelImage } from '../../src/image/pixels.js';
import { pixelsToInput } from '../../src/image/pixels-to-input.js';
import { resample } from '../../src/image/resample.js';
import { straighten } from '../../src/image/straighten.js';

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
  test('an even slope is even in the turned rectangle too, whatever the angle and size', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -Math.PI, max: Math.PI, noNaN: true }),
        fc.double({ min: 20, max: 60, noNaN: true }),
        fc.integer({ min: 4, max: 48 }),
        (angle, side, size) => {
          const crop = { x: 60 - side / 2, y: 60 - side / 2, width: side, height: side, angle };
          const found = straighten(slope(0.7, 0.9), crop, size, 1);
          for (let i = 0; i < size; i++) {
            for (let j = 0; j < size; j++) {
              const right = ((j + 0.5) / size - 0.5) * side;
              const down = ((i + 0.5) / size - 0.5) * side;
              const x = 60 + right * Math.cos(angle) - down * Math.sin(angle);
              const y = 60 + right * Math.sin(angle) + down * Math.cos(angle);
              // At the rim, resampling leans on the edge pixels.
              const rim = i === 0 || j === 0 || i === size - 1 || j === size - 1;
              expect(Math.abs(found[i * size + j] - (20 + 0.7 * x + 0.9 * y))).toBeLessThan(
                rim ? 0.3 * (side / size) + 0.5 : 0.5,
              );
            }
          }
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

  test('a hardly turned box gives nearly what an upright one gives', () => {
    const image = slope(1, 0.5);
    const box = { x: 20, y: 30, width: 64, height: 64 };
    const upright = pixelsToInput(image, { box });
    const turned = pixelsToInput(image, { box: { ...box, angle: 1e-6 } });
    for (const [k, value] of turned.entries()) expect(Math.abs(value - upright[k])).toBeLessThan(2 / 255);
  });

  test('an angle of NaN or infinity, and a box that is none, are refused', () => {
    const box = { x: 20, y: 30, width: 64, height: 64 };
    const bad = [{ angle: Number.NaN }, { angle: Infinity }, { angle: 1, width: 0 }, { angle: 1, x: 500 }];
    for (const change of bad) {
      const image = slope(1, 1);
      expect(() => pixelsToInput(image, { box: { ...box, ...change } })).toThrow(
        expect.objectContaining({ code: 'OPTION' }),
      );
    }
  });
});
