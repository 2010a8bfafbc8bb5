import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { imageLimits } from '../../../src/platform/image-limits.js';
import { decode as decodeWithin } from '../../../src/platform/node/decode.js';

const decode = (input: unknown, maxPixels = 64e6) => decodeWithin(input, imageLimits({ maxPixels }));

const WIDTH = 40;
const HEIGHT = 30;
const levels = Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, (_, k) => (k * k * 7 + (k >> 3)) % 256);
const picture = () => sharp(levels, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } });

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'fer-dcnn-decode-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

describe('decode in Node', () => {
  test.each(['png', 'webp', 'tiff'] as const)('a lossless %s gives its pixels back', async (format) => {
    const options = { webp: { lossless: true }, tiff: { compression: 'lzw' }, png: {} }[format];
    const image = await decode(
      await picture()
        .toFormat(format, options as never)
        .toBuffer(),
    );
    expect(image).toMatchObject({ width: WIDTH, height: HEIGHT, channels: 3 });
    expect(bytesOf(image.data)).toEqual(bytesOf(levels));
  });

  test.each(['jpeg', 'avif', 'gif'] as const)('a %s gives nearly its pixels back', async (format) => {
    const smooth = Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, (_, k) => 3 * (Math.floor(k / 3) % WIDTH) + 60);
    const source = sharp(smooth, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } });
    const image = await decode(await source.toFormat(format, { quality: 95 } as never).toBuffer());
    expect(image).toMatchObject({ width: WIDTH, height: HEIGHT });
    const rgb = image.data.filter((_, k) => k % image.channels < 3);
    expect(largestDifference(rgb, smooth)).toBeLessThan(12);
  });

  test('path, file: URL, Buffer, Uint8Array, ArrayBuffer and Blob give the same', async () => {
    const png = await picture().png().toBuffer();
    const path = join(dir, 'same file.png');
    writeFileSync(path, png);
    const exact = png.buffer.slice(png.byteOffset, png.byteOffset + png.length);
    const inputs = [
      path,
      pathToFileURL(path),
      pathToFileURL(path).href,
      png,
      new Uint8Array(png),
      exact,
      new Blob([exact]),
    ];
    for (const input of inputs) {
      expect(bytesOf((await decode(input)).data)).toEqual(bytesOf(levels));
    }
  });

  test('a file that was overwritten is read again', async () => {
    const path = join(dir, 'rewritten.png');
    for (const level of [10, 20]) {
      writeFileSync(
        path,
        await sharp({ create: { ...size(4, 4), background: grey(level) } })
          .png()
          .toBuffer(),
      );
      expect((await decode(path)).data[0]).toBe(level);
    }
  });

  // Orientation o says which corner of the stored picture is top left when upright: x and y of each stored corner.
  test.each([1, 2, 3, 4, 5, 6, 7, 8])('EXIF orientation %i is undone', async (orientation) => {
    const upright = { width: 3, height: 2 };
    const pixelAt = (x: number, y: number) => 40 + 60 * x + 20 * y;
    const turned = orientation >= 5;
    const stored = { width: turned ? 2 : 3, height: turned ? 3 : 2 };
    const data = Uint8Array.from({ length: 6 }, (_, k) => {
      const [a, b] = [k % stored.width, Math.floor(k / stored.width)];
      const [right, low] = [upright.width - 1, upright.height - 1];
      const places = [
        [a, b],
        [right - a, b],
        [right - a, low - b],
        [a, low - b],
        [b, a],
        [right - b, a],
        [right - b, low - a],
        [b, low - a],
      ];
      const [x, y] = places[orientation - 1];
      return pixelAt(x, y);
    });
    const source = sharp(data, { raw: { ...stored, channels: 1 } }).withMetadata({ orientation });
    for (const bytes of [
      await source.clone().png().toBuffer(),
      await source.clone().tiff({ compression: 'lzw' }).toBuffer(),
    ]) {
      const image = await decode(bytes);
      expect(image).toMatchObject(upright);
      const expected = [0, 1].flatMap((y) => [0, 1, 2].map((x) => pixelAt(x, y)));
      expect([...image.data].filter((_, k) => k % image.channels === 0)).toEqual(expected);
    }
  });

  test('16-bit levels are cut to their high byte', async () => {
    const data = Uint16Array.of(0x12ff, 0x8000, 0xff01, 0x00ff, 0x7f80, 0x0100);
    const png = await sharp(data, { raw: { width: 2, height: 1, channels: 3 } })
      .toColourspace('rgb16')
      .png()
      .toBuffer();
    expect((await sharp(png).metadata()).depth).toBe('ushort');
    expect([...(await decode(png)).data]).toEqual([0x12, 0x80, 0xff, 0, 0x7f, 1]);
  });

  test('16-bit grey is read as 8-bit grey', async () => {
    const data = Uint16Array.of(0x12ff, 0x8000);
    const png = await sharp(data, { raw: { width: 2, height: 1, channels: 1 } })
      .toColourspace('grey16')
      .png()
      .toBuffer();
    const image = await decode(png);
    expect([...image.data].filter((_, k) => k % image.channels === 0)).toEqual([0x12, 0x80]);
  });

  test('a palette is looked up', async () => {
    const data = Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 0, 0);
    const png = await sharp(data, { raw: { width: 4, height: 1, channels: 3 } })
      .png({ palette: true })
      .toBuffer();
    expect(png[25]).toBe(3); // colour type: palette
    expect([...(await decode(png)).data]).toEqual([...data]);
  });

  test('CMYK is converted', async () => {
    const source = sharp({ create: { ...size(16, 16), background: { r: 160, g: 110, b: 100 } } });
    const jpeg = await source.toColourspace('cmyk').withIccProfile('cmyk').jpeg({ quality: 95 }).toBuffer();
    expect((await sharp(jpeg).metadata()).space).toBe('cmyk');
    const { data, channels } = await decode(jpeg);
    expect(channels).toBe(3);
    expect(largestDifference(data.subarray(0, 3), [160, 110, 100])).toBeLessThan(20); // two profiles
  });

  test('a colour profile is applied', async () => {
    const source = sharp({ create: { ...size(4, 4), background: { r: 200, g: 60, b: 60 } } });
    const png = await source.withIccProfile('p3').png().toBuffer();
    expect((await sharp(png).metadata()).hasProfile).toBe(true);
    expect(largestDifference((await decode(png)).data.subarray(0, 3), [200, 60, 60])).toBeLessThan(3);
  });

  test('alpha is kept straight', async () => {
    const data = Uint8Array.of(200, 100, 50, 128, 10, 20, 30, 0);
    const image = await decode(
      await sharp(data, { raw: { width: 2, height: 1, channels: 4 } })
        .png()
        .toBuffer(),
    );
    expect([...image.data]).toEqual([...data]);
    expect(image.channels).toBe(4);
  });

  test('grey with alpha is read', async () => {
    const data = Uint8Array.of(200, 128, 100, 255);
    const source = sharp(data, { raw: { width: 2, height: 1, channels: 2 } }).toColourspace('b-w');
    const { data: decoded, channels } = await decode(await source.png().toBuffer());
    const onBlack = [0, 1].map((k) => {
      const alpha = channels === 4 ? decoded[4 * k + 3] : 255;
      return Math.round((decoded[k * channels] * alpha) / 255);
    });
    expect(onBlack).toEqual([100, 100]);
  });

  test.each(['gif', 'webp'] as const)(
    'of an animated %s the first frame is taken, or the one asked for',
    async (format) => {
      const frames = [grey(250), grey(10), grey(90)].map((background) =>
        sharp({ create: { ...size(8, 6), background } })
          .png()
          .toBuffer(),
      );
      const options = { gif: {}, webp: { lossless: true } }[format];
      const bytes = await sharp(await Promise.all(frames), { join: { animated: true } })
        .toFormat(format, options)
        .toBuffer();
      expect((await sharp(bytes).metadata()).pages).toBe(3);
      const image = await decode(bytes);
      expect(image).toMatchObject({ width: 8, height: 6 });
      expect(image.data[0]).toBe(250);
      for (const [frame, level] of [250, 10, 90].entries()) {
        expect((await decodeWithin(bytes, imageLimits({}), frame)).data[0]).toBe(level);
      }
      await expect(decodeWithin(bytes, imageLimits({}), 3)).rejects.toMatchObject({
        code: 'OPTION',
        message: expect.stringMatching(/there is no frame 3: .* has 0 to 2/),
      });
    },
  );

  test('one pixel is an image', async () => {
    const png = await sharp({ create: { ...size(1, 1), background: grey(7) } })
      .png()
      .toBuffer();
    expect(await decode(png)).toMatchObject({ width: 1, height: 1 });
  });
});

describe('decode in Node refuses', () => {
  test('a missing file, by its path', async () => {
    await expect(decode('/no/such/face.jpg')).rejects.toMatchObject(refusal('NOT_FOUND', '/no/such/face.jpg'));
    await expect(decode(new URL('file:///no/such/face.jpg'))).rejects.toMatchObject(
      refusal('NOT_FOUND', '/no/such/face.jpg'),
    );
  });

  test('a folder, by its path', async () => {
    await expect(decode(dir)).rejects.toMatchObject(refusal('INPUT', dir));
  });

  test('what is not a regular file', async () => {
    await expect(decode('/dev/null')).rejects.toMatchObject(refusal('INPUT', '/dev/null'));
  });

  test('a zero-byte file', async () => {
    const path = join(dir, 'empty.jpg');
    writeFileSync(path, '');
    await expect(decode(path)).rejects.toMatchObject(refusal('DECODE', `${path} is empty`));
  });

  test('text named .jpg', async () => {
    const path = join(dir, 'text.jpg');
    writeFileSync(path, 'This is not a photo.');
    await expect(decode(path)).rejects.toMatchObject(refusal('DECODE', `${path} is text`));
  });

  test.each([
    ['SVG', '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', 'SVG'],
    [
      'SVG behind the first bytes of a GIF',
      'GIF89a <svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
      'decoded',
    ],
    ['PDF', '%PDF-1.7\n1 0 obj', 'PDF'],
    ['HTML', '<!doctype html><p>404', 'text'],
    ['noise', '\x01\x02\x03\x04\x05\x06\x07\x08\x09', 'no known'],
  ])('%s', async (_, text, word) => {
    await expect(decode(Buffer.from(text, 'latin1'))).rejects.toMatchObject(refusal('DECODE', word));
  });

  test.each(['jpeg', 'png', 'webp', 'avif', 'gif', 'tiff'] as const)('a %s cut anywhere', async (format) => {
    const whole = await picture().toFormat(format).toBuffer();
    for (const share of [0.01, 0.05, 0.2, 0.5, 0.8, 0.95]) {
      const bytes = whole.subarray(0, Math.floor(whole.length * share));
      await expect(decode(bytes), `${share} of ${format}`).rejects.toMatchObject({ code: 'DECODE' });
    }
  });

  test('a truncated JPEG file, by its path', async () => {
    const path = join(dir, 'truncated.jpg');
    const whole = await picture().jpeg().toBuffer();
    writeFileSync(path, whole.subarray(0, whole.length - 20));
    await expect(decode(path)).rejects.toMatchObject(refusal('DECODE', path));
  });

  test('30,000 x 30,000 pixels, before decoding them', async () => {
    const bytes = blankPng(30_000, 30_000);
    await decode(await picture().png().toBuffer()); // sharp is loaded
    const before = process.memoryUsage.rss();
    const decoding = vi.spyOn(sharp.prototype, 'raw');
    await expect(decode(bytes)).rejects.toMatchObject(refusal('TOO_LARGE', '30000x30000'));
    await expect(decode(bytes)).rejects.toMatchObject(refusal('TOO_LARGE', 'maxPixels'));
    expect(decoding).not.toHaveBeenCalled();
    decoding.mockRestore();
    expect(process.memoryUsage.rss() - before).toBeLessThan(100e6);
  });

  test('only what is over the limit', async () => {
    const png = await picture().png().toBuffer();
    await expect(decode(png, WIDTH * HEIGHT - 1)).rejects.toMatchObject({ code: 'TOO_LARGE' });
    expect(await decode(png, WIDTH * HEIGHT)).toMatchObject({ width: WIDTH });
    expect(await decode(png, Number.POSITIVE_INFINITY)).toMatchObject({ width: WIDTH });
  });

  test.each([
    ['null', null],
    ['a number', 5],
    ['an object', { a: 1 }],
    ['a function', () => 0],
    ['an https: URL', new URL('https://example.org/a.jpg')],
    ['a URL as text', 'https://example.org/a.jpg'],
  ])('%s', async (_, input) => {
    await expect(decode(input)).rejects.toMatchObject({ name: 'FerError', code: 'INPUT' });
  });
});

function refusal(code: string, words: string) {
  return { name: 'FerError', code, message: expect.stringContaining(words) };
}

function size(width: number, height: number) {
  return { width, height, channels: 3 as const };
}

function grey(level: number) {
  return { r: level, g: level, b: level };
}

function bytesOf(data: Uint8Array | Uint8ClampedArray) {
  return Buffer.from(data).toString('hex');
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Math.max(...Array.from(a, (value, k) => Math.abs(value - b[k])));
}

/** A whole and valid black PNG, one bit a pixel. */
function blankPng(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 1;
  const rows = deflateSync(Buffer.alloc(height * (1 + Math.ceil(width / 8))), { level: 1 });
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    const check = Buffer.alloc(4);
    check.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, check]);
  };
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', rows), chunk('IEND', Buffer.alloc(0))]);
}
