import sharp, { type JpegOptions, type Sharp } from 'sharp';
import { describe, expect, test } from 'vitest';
import { imageLimits } from '../../../src/platform/image-limits.js';
import { decode } from '../../../src/platform/node/decode.js';
import { decodeSmallJpeg, SMALL_JPEG_PIXELS } from '../../../src/platform/node/small-jpeg.js';
import fc from '../../fast-check.js';
import { leftOut, NIGHT, runs } from '../../night.js';

if (!NIGHT) leftOut('two thirds of the lengths at which a file is cut', '1');

const LIMIT = 64e6;

describe('decodeSmallJpeg', () => {
  test('gives the same pixels as sharp, bit for bit, for any size, quality and subsampling', async () => {
    const side = fc.integer({ min: 1, max: 200 });
    const options = fc.record({
      quality: fc.integer({ min: 1, max: 100 }),
      chromaSubsampling: fc.constantFrom('4:2:0', '4:4:4'),
      optimiseCoding: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(side, side, fc.integer(), fc.boolean(), options, async (width, height, seed, grey, jpeg) => {
        const picture = textured(width, height, seed);
        const bytes = await (grey ? picture.toColourspace('b-w') : picture).jpeg(jpeg).toBuffer();
        const image = await decodeSmallJpeg(bytes, LIMIT);
        expect(image).toMatchObject({ width, height, channels: 3 });
        expect(Buffer.compare(image!.data as Uint8Array, await bySharp(bytes))).toBe(0);
      }),
      { numRuns: runs(60) },
    );
  });

  test('decodes restart intervals and comments', async () => {
    const bytes = await textured(80, 60, 3).jpeg().toBuffer();
    const comment = Buffer.concat([Buffer.from([0xff, 0xfe, 0, 7]), Buffer.from('hello')]);
    const withComment = Buffer.concat([bytes.subarray(0, 2), comment, bytes.subarray(2)]);
    expect((await decodeSmallJpeg(withComment, LIMIT))?.data).toEqual((await decodeSmallJpeg(bytes, LIMIT))?.data);
  });

  test('what is not plain is left to sharp: progressive, turned by EXIF, a colour profile, CMYK, large, over the limit', async () => {
    const picture = () => textured(64, 48, 5);
    const jpeg = (image: Sharp, options: JpegOptions = {}) => image.jpeg(options).toBuffer();
    const over = Math.ceil(Math.sqrt(SMALL_JPEG_PIXELS + 1));
    const left: Record<string, Buffer> = {
      progressive: await jpeg(picture(), { progressive: true }),
      turned: await jpeg(picture().withMetadata({ orientation: 6 })),
      profile: await jpeg(picture().withIccProfile('p3')),
      cmyk: await jpeg(picture().toColourspace('cmyk')),
      large: await jpeg(textured(over, over, 5)),
      png: await picture().png().toBuffer(),
      empty: Buffer.alloc(0),
    };
    for (const [name, bytes] of Object.entries(left)) {
      expect([name, await decodeSmallJpeg(bytes, LIMIT)]).toEqual([name, null]);
    }
    const plain = await jpeg(picture());
    expect(await decodeSmallJpeg(plain, 64 * 48)).not.toBeNull();
    expect(await decodeSmallJpeg(plain, 64 * 48 - 1)).toBeNull();
    await expect(decode(plain, imageLimits({ maxPixels: 64 * 48 - 1 }))).rejects.toMatchObject({ code: 'TOO_LARGE' });
  });

  test('a file cut short anywhere is left to sharp, which refuses it', async () => {
    const bytes = await textured(40, 40, 9).jpeg().toBuffer();
    for (let length = 3; length < bytes.length; length += NIGHT ? 7 : 23) {
      const cut = bytes.subarray(0, length);
      expect(await decodeSmallJpeg(cut, LIMIT)).toBeNull();
      // Cut, but with the end that a whole file has.
      const closed = Buffer.concat([cut, Buffer.from([0xff, 0xd9])]);
      await decodeSmallJpeg(closed, LIMIT);
      await expect(decode(cut, imageLimits({}))).rejects.toMatchObject({ code: 'DECODE' });
    }
  });

  test('decodes no damaged file that sharp refuses, and still decodes whole files afterwards', async () => {
    const whole = await textured(48, 48, 11).jpeg().toBuffer();
    const expected = await bySharp(whole);
    const change = fc.record({ at: fc.nat(whole.length - 1), byte: fc.integer({ min: 0, max: 255 }) });
    let decoded = 0;
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const bytes = Buffer.from(whole);
        for (const { at, byte } of changes) bytes[at] = byte;
        const image = await decodeSmallJpeg(bytes, LIMIT);
        if (image) {
          decoded++;
          expect((await bySharp(bytes)).length).toBe(image.data.length);
        } else refused++;
      }),
      { numRuns: runs(300) },
    );
    // A fifteenth: by chance it is a third and more.
    expect(decoded).toBeGreaterThan(runs(300) / 15);
    expect(refused).toBeGreaterThan(runs(300) / 15);
    expect(Buffer.compare((await decodeSmallJpeg(whole, LIMIT))!.data as Uint8Array, expected)).toBe(0);
  });

  test('two thousand broken files, many at a time, leave no memory behind', async () => {
    const whole = await textured(64, 64, 13).jpeg().toBuffer();
    const broken = Buffer.from(whole);
    broken.fill(0xff, whole.length - 400, whole.length - 2);
    expect(await decodeSmallJpeg(broken, LIMIT)).toBeNull();
    const round = async (count: number) => {
      for (let k = 0; k < count; k += 50) {
        await Promise.all(Array.from({ length: 50 }, () => decodeSmallJpeg(broken, LIMIT)));
      }
    };
    await round(500);
    const before = process.memoryUsage.rss();
    await round(2000);
    expect((process.memoryUsage.rss() - before) / 1e6).toBeLessThan(150);
    expect(await decodeSmallJpeg(whole, LIMIT)).not.toBeNull();
  });
});

/** A picture with smooth and sharp parts, the same for the same seed. */
function textured(width: number, height: number, seed: number): Sharp {
  const data = new Uint8Array(width * height * 3);
  for (let k = 0; k < data.length; k++) {
    const x = Math.floor(k / 3) % width;
    const y = Math.floor(k / 3 / width);
    const wave = 127 + 90 * Math.sin((x * ((seed & 7) + 1) + y * (k % 3)) / 17);
    data[k] = (x ^ y) & 16 ? wave : wave + ((x * 31 + y * 17 + seed) % 37);
  }
  return sharp(data, { raw: { width, height, channels: 3 } });
}

function bySharp(bytes: Buffer): Promise<Buffer> {
  return sharp(bytes, { failOn: 'error' }).toColourspace('srgb').raw().toBuffer();
}
