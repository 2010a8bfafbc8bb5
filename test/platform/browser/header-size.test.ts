import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { headerSize } from '../../../src/platform/browser/header-size.js';
import { noise } from '../../golden-network.js';

const picture = (width: number, height: number, channels: 3 | 4) => {
  const levels = Uint8Array.from(noise(width * height * channels, 1), (value) => value * 256);
  return sharp(levels, { raw: { width, height, channels } });
};

describe('headerSize', () => {
  test.each([
    ['a JPEG', 3, 'jpeg', {}],
    ['a progressive JPEG', 3, 'jpeg', { progressive: true }],
    ['a PNG', 3, 'png', {}],
    ['a GIF', 4, 'gif', {}],
    ['a WebP', 3, 'webp', {}],
    ['a lossless WebP', 3, 'webp', { lossless: true }],
    ['a lossless WebP with alpha', 4, 'webp', { lossless: true }],
    ['a WebP with alpha', 4, 'webp', {}],
    ['an AVIF', 3, 'avif', { effort: 0 }],
    ['an AVIF with alpha', 4, 'avif', { effort: 0 }],
  ] as const)('of %s is what libvips says', async (_, channels, format, options) => {
    for (const [width, height] of [
      [37, 21],
      [5, 300],
    ]) {
      const plain = picture(width, height, channels).toFormat(format, options);
      expect(headerSize(new Uint8Array(await plain.toBuffer()))).toEqual([width, height]);
      if (format === 'gif') continue;
      // More comes before the size then.
      const full = picture(width, height, channels)
        .withIccProfile('p3')
        .withExif({ IFD0: { Copyright: 'x'.repeat(999) } });
      expect(headerSize(new Uint8Array(await full.toFormat(format, options).toBuffer()))).toEqual([width, height]);
    }
  });

  test('of a BMP is positive, whichever row comes first', () => {
    const bmp = Buffer.alloc(60);
    bmp.write('BM');
    bmp.writeInt32LE(70_000, 18);
    bmp.writeInt32LE(-21, 22);
    expect(headerSize(bmp)).toEqual([70_000, 21]);
  });

  test('is undefined for other formats, and wherever a file is cut before it', async () => {
    for (const format of ['jpeg', 'png', 'gif', 'webp', 'avif'] as const) {
      const bytes = new Uint8Array(await picture(37, 21, 3).toFormat(format).toBuffer());
      for (let length = 0; length < 20; length++) {
        const size = headerSize(bytes.subarray(0, length));
        if (size !== undefined) expect(size).toEqual([37, 21]);
      }
      expect(headerSize(bytes.subarray(0, 8))).toBeUndefined();
    }
    expect(headerSize(new Uint8Array(99))).toBeUndefined();
    expect(headerSize(Uint8Array.of(0xff, 0xd8, 0xff, 0xff, 0xff))).toBeUndefined();
  });
});
