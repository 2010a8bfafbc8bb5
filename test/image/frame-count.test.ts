import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { checkFrameCount } from '../../src/image/frame-count.js';
import type { ImageFormat } from '../../src/image/image-format.js';

describe('checkFrameCount', () => {
  test.each(['gif', 'webp', 'tiff'] as const)('counts the frames of a %s as libvips does', async (format) => {
    for (const frames of [1, 2, 7, 40]) {
      const bytes = await animation(frames, format);
      expect((await sharp(bytes).metadata()).pages ?? 1).toBe(frames);
      expect(countOf(bytes, format)).toBe(frames);
    }
  });

  test('a GIF with colour tables of its own and comments between frames', async () => {
    const palette = Buffer.from([0x80, 0, 0, 255, 255, 255]);
    const image = (flags: number) => Buffer.from([0x2c, 0, 0, 0, 0, 1, 0, 1, 0, flags]);
    const data = Buffer.from([2, 2, 0x4c, 1, 0]);
    const comment = Buffer.from([0x21, 0xfe, 3, 0x2c, 0x2c, 0x2c, 0]);
    const bytes = Buffer.concat([
      Buffer.from('GIF89a'),
      Buffer.from([1, 0, 1, 0, 0x80, 0, 0]),
      Buffer.concat([palette, image(0), data]),
      Buffer.concat([comment, image(0x80), palette, data]),
      Buffer.from([0x3b]),
    ]);
    expect((await sharp(bytes).metadata()).pages).toBe(2);
    expect(countOf(bytes, 'gif')).toBe(2);
  });

  test('an animated PNG says how many it has, a still one has one', async () => {
    const still = await sharp(blank(4, 4)).png().toBuffer();
    const header = still.subarray(0, 33);
    const control = chunk('acTL', Buffer.from([0, 0, 0x13, 0x88, 0, 0, 0, 0]));
    expect(countOf(still, 'png')).toBe(1);
    expect(countOf(Buffer.concat([header, control, still.subarray(33)]), 'png')).toBe(5000);
    // Behind the data it means nothing.
    expect(countOf(Buffer.concat([still, control]), 'png')).toBe(1);
  });

  test('an AVIF sequence has as many as its longest track has samples, a still one has one', async () => {
    const still = await sharp(blank(16, 16)).avif().toBuffer();
    expect(countOf(still, 'avif')).toBe(1);
    const sizes = (count: number) => box('stsz', Buffer.from([0, 0, 0, 0, 0, 0, 0, 9, 0, 0, count >> 8, count & 255]));
    const track = (count: number) => box('trak', box('mdia', box('minf', box('stbl', sizes(count)))));
    const movie = box('moov', Buffer.concat([box('mvhd', Buffer.alloc(100)), track(12), track(3000)]));
    expect(countOf(Buffer.concat([still, movie]), 'avif')).toBe(3000);
  });

  test('boxes of data before and around the track: of 64 bits in length, and up to the end', () => {
    const sizes = box('stsz', Buffer.from([0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 12]));
    const movie = box('moov', box('trak', box('mdia', box('minf', box('stbl', sizes)))));
    // A length of 1 says that the true one follows, in 8 bytes: 4 + 4 + 8 and 5 of data.
    const long = Buffer.from([0, 0, 0, 1, ...Buffer.from('mdat'), 0, 0, 0, 0, 0, 0, 0, 21, 1, 2, 3, 4, 5]);
    expect(countOf(Buffer.concat([box('ftyp', Buffer.from('avis')), long, movie]), 'avif')).toBe(12);
    const toTheEnd = Buffer.concat([Buffer.alloc(4), movie.subarray(4)]);
    expect(countOf(Buffer.concat([box('free', Buffer.alloc(0)), toTheEnd]), 'avif')).toBe(12);
  });

  test('a box shorter than its own head, or longer than the file, ends the walk', () => {
    const sizes = box('stsz', Buffer.from([0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 12]));
    const movie = box('moov', box('trak', box('mdia', box('minf', box('stbl', sizes)))));
    for (const length of [2, 4, 7, 1000]) {
      const broken = Buffer.concat([Buffer.from([0, 0, length >> 8, length & 255]), Buffer.from('free')]);
      expect(countOf(Buffer.concat([broken, movie]), 'avif'), `${length}`).toBe(1);
    }
  });

  test('a chunk of odd length in a WebP is padded by a byte, RFC 9649', () => {
    const part = (type: string, length: number) =>
      Buffer.concat([Buffer.from(type), Buffer.from([length, 0, 0, 0]), Buffer.alloc(length + (length % 2))]);
    const head = Buffer.from('RIFF\0\0\0\0WEBP');
    const frames = [part('ANMF', 17), part('ANMF', 16), part('ANMF', 0)];
    expect(countOf(Buffer.concat([head, part('VP8X', 10), part('ICCP', 3), ...frames]), 'webp')).toBe(3);
  });

  test('a big-endian TIFF and a BigTIFF', async () => {
    const big = Buffer.from([0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 0, 0, 0, 0, 14, 0, 0, 0, 0, 0, 0]);
    expect(countOf(big, 'tiff')).toBe(2);
    const bytes = await sharp(pages(3), { raw: { width: 4, height: 12, channels: 3, pageHeight: 4 } })
      .tiff({ bigtiff: true })
      .toBuffer();
    expect(countOf(bytes, 'tiff')).toBe((await sharp(bytes).metadata()).pages ?? 1);
  });

  test('a TIFF whose pages lead back to the first ends', () => {
    const bytes = Buffer.from([0x49, 0x49, 42, 0, 8, 0, 0, 0, 0, 0, 8, 0, 0, 0]);
    expect(() => checkFrameCount(bytes, 'tiff', 5, 'it')).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }));
    expect(checkFrameCount(bytes, 'tiff', 1e15, 'it')).toBeUndefined();
  });

  test('thousands of frames are told at once, and named', async () => {
    const bytes = await animation(3000, 'gif');
    expect(() => checkFrameCount(bytes, 'gif', 100, 'party.gif')).toThrow(
      expect.objectContaining({ code: 'TOO_LARGE', message: expect.stringMatching(/^party\.gif .* 100 frames/) }),
    );
    expect(checkFrameCount(bytes, 'gif', 3000, 'party.gif')).toBeUndefined();
    expect(checkFrameCount(bytes, 'gif', Number.POSITIVE_INFINITY, 'party.gif')).toBeUndefined();
  });

  test('bytes of any kind are either let through or refused', async () => {
    const formats: ImageFormat[] = ['jpeg', 'png', 'gif', 'webp', 'tiff', 'avif'];
    const wholes = await Promise.all(
      formats.map(async (format) => [format, await animation(format === 'avif' ? 1 : 3, format)] as const),
    );
    const change = fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) });
    fc.assert(
      fc.property(fc.constantFrom(...wholes), fc.array(change, { maxLength: 6 }), fc.nat(), (whole, changes, end) => {
        const [format, bytes] = whole;
        const changed = Buffer.from(bytes);
        for (const { at, byte } of changes) changed[at % changed.length] = byte;
        const cut = changed.subarray(0, Math.max(16, end % (changed.length + 1)));
        try {
          checkFrameCount(cut, format, 2, 'it');
        } catch (error) {
          expect(error).toMatchObject({ name: 'FerError', code: 'TOO_LARGE' });
        }
      }),
      { numRuns: 2000 },
    );
  });
});

// --- below this line: helpers of this file alone ---

/** The count, by asking for each bound: what is allowed is at least what there is. */
function countOf(bytes: Uint8Array, format: ImageFormat): number {
  let low = 0;
  let high = 1e6;
  while (high - low > 1) {
    const bound = (low + high) >> 1;
    try {
      checkFrameCount(bytes, format, bound, 'it');
      high = bound;
    } catch {
      low = bound;
    }
  }
  return high;
}

function pages(frames: number): Uint8Array {
  // All different: GIF drops a frame that changes nothing.
  return Uint8Array.from({ length: frames * 4 * 4 * 3 }, (_, k) => (k * 7 + Math.floor(k / 48) * 31) & 255);
}

function animation(frames: number, format: ImageFormat): Promise<Buffer> {
  const raw = { width: 4, height: 4 * frames, channels: 3 as const, pageHeight: 4 };
  const still = format === 'jpeg' || format === 'png' || format === 'avif';
  const source = sharp(pages(frames), { raw: still ? { width: 4, height: 4 * frames, channels: 3 } : raw });
  return source.toFormat(format).toBuffer();
}

function blank(width: number, height: number) {
  return { create: { width, height, channels: 3 as const, background: '#888' } };
}

function chunk(type: string, data: Buffer): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(4), Buffer.from(type), data, Buffer.alloc(4)]);
  bytes.writeUInt32BE(data.length);
  return bytes;
}

function box(type: string, data: Buffer): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(4), Buffer.from(type), data]);
  bytes.writeUInt32BE(bytes.length);
  return bytes;
}
