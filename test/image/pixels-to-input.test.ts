import { describe, expect, test } from 'vitest';
import { normalize } from '../../src/image/normalize.js';
import type { Raster } from '../../src/image/pixels.js';
import { pixelsToInput } from '../../src/image/pixels-to-input.js';
import { resample } from '../../src/image/resample.js';
import { straighten } from '../../src/image/straighten.js';

const image: Raster = {
  data: Uint8Array.from({ length: 50 * 40 * 3 }, (_, k) => (k * k * 7 + (k >> 3)) % 256),
  width: 50,
  height: 40,
  channels: 3,
};
const box = { x: 10.5, y: 5, width: 20, height: 30 };

describe('pixelsToInput', () => {
  test('gives luma / 255 of the whole image in 32x32 by default', () => {
    const input = pixelsToInput(image);
    expect(input).toEqual(resample(image).map((level) => level / 255));
    expect(input.length).toBe(1024);
  });

  test('refuses a box without a visible pixel; one visible pixel is enough', () => {
    const clear: Raster = { data: new Uint8Array(4 * 4 * 4).fill(200), width: 4, height: 4, channels: 4 };
    for (let k = 3; k < clear.data.length; k += 4) clear.data[k] = 0;
    expect(() => pixelsToInput(clear)).toThrow(expect.objectContaining({ code: 'INPUT' }));
    clear.data[63] = 1;
    expect(pixelsToInput(clear)).toHaveLength(1024);
  });

  test('size, channels, box and normalization reach the work', () => {
    const levels = resample(image, { width: 8, height: 8, channels: 3, box });
    expect(pixelsToInput(image, { size: 8, channels: 3, box, normalization: 'standardize' })).toEqual(
      normalize(levels, { normalization: 'standardize', width: 8, channels: 3 }),
    );
  });

  test('a box of no angle, or of angle 0, is resampled; a turned one is straightened', () => {
    const upright = resample(image, { width: 8, height: 8, box }).map((level) => level / 255);
    expect(pixelsToInput(image, { size: 8, box })).toEqual(upright);
    expect(pixelsToInput(image, { size: 8, box: { ...box, angle: 0 } })).toEqual(upright);
    const turned = { ...box, angle: -0.3 };
    expect(pixelsToInput(image, { size: 8, box: turned, channels: 3 })).toEqual(
      straighten(image, turned, 8, 3).map((level) => level / 255),
    );
  });

  test.each([undefined, 0, 0.3])('writes into the given array, at angle %s', (angle) => {
    const out = new Float32Array(64);
    const options = { size: 8, box: { ...box, angle } };
    expect(pixelsToInput(image, { ...options, out })).toBe(out);
    expect(out).toEqual(pixelsToInput(image, options));
  });

  test('an option out of its range is refused', () => {
    for (const options of [{ size: 0 }, { channels: 4 as 3 }, { normalization: 'none' as 'unit' }]) {
      expect(() => pixelsToInput(image, options)).toThrow(expect.objectContaining({ code: 'OPTION' }));
    }
  });
});
