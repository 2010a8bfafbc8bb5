import { expect, test } from 'vitest';
import type { Levels } from '../../../src/tfjs/train/degrade.js';
import { shade } from '../../../src/tfjs/train/shade.js';

const even = (width: number, height: number, channels: number): Levels => ({
  data: new Float32Array(width * height * channels).fill(100),
  ...{ width, height, channels },
});
const shaded = (levels: Levels, ...draws: number[]) => {
  shade(levels, () => draws.shift()!);
  expect(draws).toEqual([]);
  return levels.data;
};

test('casts a shadow with a smooth edge, as dark as drawn', () => {
  // Angle 0, the edge in the middle, darkness 0.2 + 0.6 / 2, softness 0.1 + 0.7 * 4 / 7 = 0.5.
  const row = shaded(even(9, 1, 1), 0, 0.5, 0.5, 4 / 7);
  const smooth = (t: number) => t * t * (3 - 2 * t);
  const expected = Array.from({ length: 9 }, (_, x) => {
    const t = Math.min(1, Math.max(0, 0.5 + (x - 4) / 4.5));
    return 100 * (1 - 0.5 * smooth(t));
  });
  expect([...row]).toEqual(expected.map((level) => expect.closeTo(level, 3)));
  expect(row[0]).toBe(100);
  expect(row[8]).toBe(50);
});

test('a quarter turn casts it from above, the same in every column and channel', () => {
  const across = shaded(even(9, 1, 1), 0, 0.7, 0.2, 0.3);
  const down = shaded(even(4, 9, 3), 0.25, 0.7, 0.2, 0.3);
  for (let y = 0; y < 9; y++) {
    for (let k = 0; k < 12; k++) expect(down[12 * y + k]).toBeCloseTo(across[y], 3);
  }
});

test('levels never grow, and never fall below a fifth', () => {
  for (let i = 0; i < 50; i++) {
    const draws = [i / 50, (i * 7) / 50, (i * 13) / 50, (i * 29) / 50].map((draw) => draw % 1);
    for (const level of shaded(even(12, 8, 1), ...draws)) {
      expect(level).toBeLessThanOrEqual(100);
      expect(level).toBeGreaterThanOrEqual(20 - 1e-4);
    }
  }
});
