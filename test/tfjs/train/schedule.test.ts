import { describe, expect, test } from 'vitest';
import { cosineSchedule, stepSchedule } from '../../../src/index.js';

describe('cosineSchedule', () => {
  test('falls from 1 to 0 along half a cosine', () => {
    const factor = cosineSchedule();
    expect([0, 0.25, 0.5, 1].map(factor)).toEqual(
      [1, 0.5 + Math.SQRT1_2 / 2, 0.5, 0].map((v) => expect.closeTo(v, 12)),
    );
  });

  test('rises first, and ends at the floor', () => {
    const factor = cosineSchedule({ warmup: 0.1, floor: 0.2 });
    expect([0, 0.05, 0.1, 0.55, 1].map(factor)).toEqual([0, 0.5, 1, 0.6, 0.2].map((v) => expect.closeTo(v, 12)));
  });

  test.each([{ warmup: 1 }, { warmup: -0.1 }, { floor: 2 }])('refuses %j', (options) => {
    expect(() => cosineSchedule(options)).toThrow(expect.objectContaining({ code: 'OPTION' }));
  });
});

test('stepSchedule drops at each of its steps', () => {
  const factor = stepSchedule({ at: [0.5, 0.75], factor: 0.1 });
  expect([0, 0.49, 0.5, 0.75, 0.99].map(factor)).toEqual([1, 1, 0.1, 0.01, 0.01].map((v) => expect.closeTo(v, 12)));
});
