import { expect, test } from 'vitest';
import { atLeast } from '../../src/image/at-least.js';

test('an array that is long enough is used again, as it is', () => {
  const array = Float32Array.of(1, 2, 3);
  for (const length of [0, 2, 3]) expect(atLeast(array, length)).toBe(array);
  expect([...array]).toEqual([1, 2, 3]);
});

test.each([Int32Array, Float32Array, Float64Array])(
  '%o that is too short is replaced by a new one of its kind',
  (Kind) => {
    const array = Kind.of(1, 2, 3);
    const longer = atLeast(array, 4);
    expect(longer).toBeInstanceOf(Kind);
    expect([...longer]).toEqual([0, 0, 0, 0]);
  },
);
