import { describe, expect, test } from 'vitest';
import { checkPixelCount } from '../../src/platform/check-pixel-count.js';
import { checkByteCount, imageLimits, pixelLimit } from '../../src/platform/image-limits.js';

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
  ])('%d x %d is no image', (width, height) => {
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

  test.each(['maxPixels', 'maxBytes', 'maxFrames', 'maxMilliseconds'] as const)('%s is a number from 1 up', (name) => {
    for (const [value, said] of [
      [0.5, '0.5'],
      [Number.NaN, 'NaN'],
      [null, 'null'],
      ['5', '"5"'],
      [[5], 'an Array'],
    ]) {
      expect(() => imageLimits({ [name]: value })).toThrow(
        refusal('OPTION', `${name} must be a number from 1 up, got ${said}`),
      );
    }
  });
});
