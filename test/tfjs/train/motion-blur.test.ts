import { expect, test } from 'vitest';
import type { Levels } from '../../../src/tfjs/train/degrade.js';
import { motionBlur } from '../../../src/tfjs/train/motion-blur.js';

const blurred = (levels: Levels, ...draws: number[]) => {
  motionBlur(levels, () => draws.shift()!);
  expect(draws).toEqual([]);
  return levels.data;
};

test('smears a point along the line drawn, and keeps the sum of the levels', () => {
  // 75 wide, 0.04 + 0.1 * 0.4 of it: 6 pixels, taps at whole pixels from -3 to 3.
  const row: Levels = { data: new Float32Array(75), width: 75, height: 1, channels: 1 };
  row.data[37] = 70;
  const out = blurred(row, 0, 0.4);
  const expected = Array.from({ length: 75 }, (_, x) => (Math.abs(x - 37) <= 3 ? 10 : 0));
  expect([...out]).toEqual(expected.map((level) => expect.closeTo(level, 3)));
});

test('half a turn of the angle smears downward, channels apart', () => {
  const column: Levels = { data: new Float32Array(75 * 9 * 3), width: 75, height: 9, channels: 3 };
  column.data[(4 * 75 + 20) * 3 + 1] = 70;
  const out = blurred(column, 0.5, 0.4);
  for (const [i, level] of out.entries()) {
    const [x, y, c] = [Math.floor(i / 3) % 75, Math.floor(i / 225), i % 3];
    expect(level).toBeCloseTo(x === 20 && c === 1 && Math.abs(y - 4) <= 3 ? 10 : 0, 3);
  }
});

test('continues edges outward: a picture of one level does not change', () => {
  const even: Levels = { data: new Float32Array(20 * 10).fill(40), width: 20, height: 10, channels: 1 };
  for (const level of blurred(even, 0.3, 0.9)) expect(level).toBeCloseTo(40, 3);
});
