import { expect, test } from 'vitest';
import { checkBox, describeBox } from '../../src/image/box.js';

const box = { x: 1.5, y: -20, width: 30, height: 40 };

test('a box of finite numbers with an area is accepted, at any place and of any size', () => {
  for (const change of [{}, { x: -1e9, y: 1e9 }, { width: 1e-9 }, { height: 1e-9 }]) {
    expect(checkBox({ ...box, ...change })).toBeUndefined();
  }
});

test.each<[keyof typeof box, unknown, string]>([
  ...(['x', 'y', 'width', 'height'] as const).flatMap((side): [keyof typeof box, unknown, string][] => [
    [side, Number.NaN, 'NaN'],
    [side, Infinity, 'Infinity'],
    [side, -Infinity, '-Infinity'],
    [side, '5', '"5"'],
    [side, undefined, 'undefined'],
  ]),
  ...(['width', 'height'] as const).flatMap((side): [keyof typeof box, unknown, string][] => [
    [side, 0, '0'],
    [side, -1, '-1'],
  ]),
])('a box whose %s is %s is refused with all of its numbers', (side, value, told) => {
  const numbers = { x: '1.5', y: '-20', width: '30', height: '40', [side]: told };
  expect(() => checkBox({ ...box, [side]: value })).toThrow(
    expect.objectContaining({
      code: 'OPTION',
      message:
        `box { x: ${numbers.x}, y: ${numbers.y}, width: ${numbers.width}, height: ${numbers.height} } ` +
        'must have finite numbers and a width and height above 0',
    }),
  );
});

test('a box is described by its four numbers', () => {
  expect(describeBox(box)).toBe('box { x: 1.5, y: -20, width: 30, height: 40 }');
});
