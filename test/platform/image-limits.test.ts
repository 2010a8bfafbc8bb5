import { describe, expect, test } from 'vitest';
import { optionsOf } from '../../src/options.js';
import { checkPixelCount } from '../../src/platform/check-pixel-count.js';
import { checkByteCount, imageLimits, limitRules, pixelLimit } from '../../src/platform/image-limits.js';
import type { ImageLimits } from '../../src/runtime.js';

const refusal = (code: string, message: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(message) });

describe('checkPixelCount', () => {
  test('an image of as many pixels as allowed is let through, one of more refused with the remedy', () => {
    expect(checkPixelCount(300, 200, 60000, 'face.png')).toBeUndefined();
    expect(() => checkPixelCount(300, 200, 59999, 'face.png')).toThrow(
      refusal('TOO_LARGE', 'face.png is 300x200: 60000 pixels, over the limit of 59999; maxPixels raises it'),
    );
  });

  test.each([
    [0, 7],
    [7, 0],
    [0, 0],
    [-1, 7],
    [7, -1],
    [-7, -7],
    [Number.NaN, 7],
    [7, Number.NaN],
  ])('%d x %d is not an image', (width, height) => {
    expect(() => checkPixelCount(width, height, 64e6, 'face.png')).toThrow(
      refusal('DECODE', `face.png has no pixels: ${width}x${height}`),
    );
  });
});

describe('checkByteCount', () => {
  test('as many bytes as allowed are let through, more refused with the remedy', () => {
    expect(checkByteCount(1000, 1000, 'face.png')).toBeUndefined();
    expect(() => checkByteCount(1001, 1000, 'face.png')).toThrow(
      refusal('TOO_LARGE', 'face.png has 1001 bytes, over the limit of 1000; maxBytes raises it'),
    );
  });
});

describe('imageLimits', () => {
  test('has the documented limits for those that are not given', () => {
    const defaults = { maxPixels: 64e6, maxWork: 1, maxBytes: 512e6, maxFrames: Infinity, maxMilliseconds: Infinity };
    expect(imageLimits({})).toEqual(defaults);
    expect(pixelLimit({})).toBe(64e6);
    expect(imageLimits({ maxFrames: 1 })).toEqual({ ...defaults, maxFrames: 1 });
    expect(pixelLimit({ maxPixels: 1 })).toBe(1);
  });

  test.each(['maxPixels', 'maxBytes', 'maxFrames', 'maxMilliseconds'] as const)(
    '%s is a number of at least 1',
    (name) => {
      for (const [value, said] of [
        [0.5, '0.5'],
        [Number.NaN, 'NaN'],
        [null, 'null'],
        ['5', '"5"'],
        [[5], 'an Array'],
      ]) {
        expect(() => imageLimits({ [name]: value })).toThrow(
          refusal('OPTION', `${name} must be a number of at least 1, got ${said}`),
        );
      }
    },
  );

  test('maxWork is a number above 0: less than 1 is stricter than the default', () => {
    expect(imageLimits({ maxWork: 0.1 }).maxWork).toBe(0.1);
    for (const [value, said] of [
      [0, '0'],
      [-1, '-1'],
      [Number.NaN, 'NaN'],
      ['5', '"5"'],
    ]) {
      expect(() => imageLimits({ maxWork: value as number })).toThrow(
        refusal('OPTION', `maxWork must be a number above 0, got ${said}`),
      );
    }
  });
});

describe('limitRules', () => {
  const check = optionsOf<ImageLimits>('takePicture', () => ({ ...limitRules }));

  test('take the limits that imageLimits takes', () => {
    const limits = { maxPixels: 1, maxWork: 0.1, maxBytes: 1, maxFrames: 1, maxMilliseconds: Number.POSITIVE_INFINITY };
    expect(() => check(limits)).not.toThrow();
  });

  test.each([
    ['maxPixels', 'a number of at least 1', 0.5],
    ['maxWork', 'a number above 0', 0],
    ['maxBytes', 'a number of at least 1', 0.5],
    ['maxFrames', 'a number of at least 1', 0.5],
    ['maxMilliseconds', 'a number of at least 1', 0.5],
  ])('%s is %s', (name, rule, below) => {
    for (const value of [below, Number.NaN, '5']) {
      expect(() => check({ [name]: value })).toThrow(
        expect.objectContaining({ code: 'OPTION', message: expect.stringContaining(rule) }),
      );
    }
  });
});
