import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { imageFormat } from '../../../src/platform/image-format.js';
import { decodeWork } from '../../../src/platform/node/decode-work.js';
import { progressiveJpeg } from '../../reliable/progressive-jpeg.js';

const WIDTH = 300;
const HEIGHT = 200;
const image = (channels: 3 | 4 = 3) =>
  sharp({ create: { width: WIDTH, height: HEIGHT, channels, background: { r: 9, g: 99, b: 199, alpha: 0.5 } } });

async function workOf(bytes: Uint8Array) {
  const format = imageFormat(bytes.subarray(0, 256), 'it');
  return decodeWork(bytes, format, () => sharp(bytes).metadata());
}

const encoders: [string, () => Promise<Buffer>][] = [
  ['jpeg', () => image().jpeg().toBuffer()],
  ['progressive jpeg', () => image().jpeg({ progressive: true }).toBuffer()],
  ['png', () => image().png().toBuffer()],
  ['gif', () => image().gif().toBuffer()],
  ['lossy webp', () => image().webp().toBuffer()],
  ['webp with alpha', () => image(4).webp().toBuffer()],
  ['lossless webp', () => image().webp({ lossless: true }).toBuffer()],
  ['avif', () => image().avif({ effort: 0 }).toBuffer()],
  ['tiff', () => image().tiff().toBuffer()],
];

describe('the work of decoding', () => {
  test.each(encoders)(
    '%s: the size that sharp tells, some time, and memory for the pixels at least',
    async (_, encode) => {
      const bytes = await encode();
      const work = await workOf(bytes);
      expect(work).toMatchObject({ width: WIDTH, height: HEIGHT });
      expect(work!.bytes).toBeGreaterThan(3 * WIDTH * HEIGHT);
      expect(work!.milliseconds).toBeGreaterThan(0.1);
      // A view into a longer buffer is read from where it begins.
      const longer = Buffer.concat([Buffer.alloc(7, 1), bytes]);
      expect(await workOf(longer.subarray(7))).toEqual(work);
    },
  );

  test.each(encoders)(
    '%s: cut anywhere in its head it is null, or of another size; nothing is thrown',
    async (_, encode) => {
      const bytes = await encode();
      const format = imageFormat(bytes.subarray(0, 256), 'it');
      for (let length = 12; length < Math.min(bytes.length, 200); length++) {
        const work = await decodeWork(bytes.subarray(0, length), format, async () => {
          throw new Error('cut');
        });
        expect(work === null || work.milliseconds >= 0).toBe(true);
      }
    },
  );

  test('grows with each scan of a progressive JPEG', async () => {
    const times = await Promise.all(
      [1, 10, 100, 882].map(async (scans) => (await workOf(progressiveJpeg(512, scans)))!.milliseconds),
    );
    expect(times).toEqual([...times].sort((a, b) => a - b));
    // 882 scans of 512 x 512, each at 0.8 ns a pixel, and one of DC.
    expect(times[3]).toBeCloseTo((512 * 512 * (18 + 0.8 * 883)) / 1e6, -1);
    expect(times[3] - times[2]).toBeGreaterThan((512 * 512 * 0.8 * 782) / 1e6 - 1);
  });

  test('counts no scan of a thumbnail inside a segment', async () => {
    const bytes = await image().jpeg().toBuffer();
    const thumbnail = progressiveJpeg(64, 100);
    const segment = Buffer.concat([
      Buffer.from([0xff, 0xe1, (thumbnail.length + 2) >> 8, (thumbnail.length + 2) & 255]),
      thumbnail,
    ]);
    const withThumbnail = Buffer.concat([bytes.subarray(0, 2), segment, bytes.subarray(2)]);
    const [plain, odd] = [await workOf(bytes), await workOf(withThumbnail)];
    expect(odd!.milliseconds - plain!.milliseconds).toBeLessThan(0.1);
    expect(odd).toMatchObject({ width: WIDTH, height: HEIGHT });
  });

  test('an interlaced PNG, more channels and more bits take more', async () => {
    const [plain, interlaced] = await Promise.all(
      [image().png(), image().png({ progressive: true })].map(async (each) => (await workOf(await each.toBuffer()))!),
    );
    expect(interlaced.milliseconds).toBeGreaterThan(2 * plain.milliseconds);
    expect(interlaced.bytes).toBeGreaterThan(plain.bytes);
    const [three, floats] = await Promise.all(
      [image().tiff(), image(4).toColourspace('scrgb').tiff({ compression: 'deflate' })].map(
        async (each) => (await workOf(await each.toBuffer()))!,
      ),
    );
    expect(floats.bytes).toBeGreaterThan(3 * three.bytes);
  });
});
