import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { checkFrameCount } from '../../src/platform/frame-count.js';
import type { ImageFormat } from '../../src/platform/image-format.js';
import fc from '../fast-check.js';
import { runs } from '../night.js';

describe('checkFrameCount', () => {
  test.each(['gif', 'webp', 'tiff'] as const)('counts the frames of a %s as libvips does', async (format) => {
    for (const frames of [1, 2, 7, 40]) {
      const bytes = await animation(frames, format);
      expect((await sharp(bytes).metadata()).pages ?? 1).toBe(frames);
      expect(countOf(bytes, format)).toBe(frames);
    }
  });

  test('boxes that are nested 40,000 deep are still counted', () => {
    const deep = 40_000;
    const sizes = Buffer.alloc(20);
    sizes.writeUInt32BE(20, 0);
    sizes.write('stsz', 4, 'latin1');
    sizes.writeUInt32BE(77, 16);
    const head = Buffer.alloc(8 * deep);
    for (let i = 0; i < deep; i++) {
      head.writeUInt32BE(8 * (deep - i) + 20, 8 * i);
      head.write('trak', 8 * i + 4, 'latin1');
    }
    const bytes = Buffer.concat([head, sizes]);
    // Alone; with another beside it and behind it.
    for (const file of [bytes, Buffer.concat([bytes, bytes, head.subarray(0, 9)])]) {
      expect(() => checkFrameCount(file, 'avif', 77, 'it')).not.toThrow();
      expect(() => checkFrameCount(file, 'avif', 76, 'it')).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }));
    }
  });

  test('a GIF with local colour tables and comments between frames', async () => {
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
    // Four bytes on, the movie would begin.
    expect(countOf(Buffer.concat([Buffer.from([0, 0, 0, 4]), movie]), 'avif')).toBe(1);
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

  test('a JPEG has one frame, with any bytes', () => {
    expect(countOf(Buffer.alloc(40, 0xff), 'jpeg')).toBe(1);
    expect(checkFrameCount(Buffer.alloc(40), 'jpeg', 1, 'it')).toBeUndefined();
  });

  test('an animated PNG that ends after its count has that many frames; one that ends before it has one', () => {
    const control = chunk('acTL', Buffer.from([0, 0, 0, 7, 0, 0, 0, 0]));
    const whole = Buffer.concat([
      Buffer.alloc(8),
      chunk('IHDR', Buffer.alloc(13)),
      chunk('tEXt', Buffer.alloc(2)),
      control,
    ]);
    const start = whole.length - control.length;
    expect(countOf(whole.subarray(0, start + 12), 'png')).toBe(7);
    for (const length of [start + 11, start + 8, start + 1, start, 8]) {
      expect(countOf(whole.subarray(0, length), 'png'), `${length}`).toBe(1);
    }
  });

  test('a GIF whose colour tables have any size, and that ends anywhere', () => {
    for (const bits of [1, 2, 5, 8]) {
      const table = Buffer.alloc(3 * 2 ** bits, 0x3b);
      const image = Buffer.from([0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0x80 | (bits - 1), ...table, 2, 2, 0x2c, 0x21, 0]);
      const head = Buffer.from([...Buffer.from('GIF89a'), 1, 0, 1, 0, 0x80 | (bits - 1), 0, 0, ...table]);
      expect(countOf(Buffer.concat([head, image, image, image]), 'gif')).toBe(3);
      // An image whose blocks are cut off counts; what stands behind the trailer does not.
      expect(countOf(Buffer.concat([head, image, image.subarray(0, 12)]), 'gif')).toBe(2);
      expect(countOf(Buffer.concat([head, image, Buffer.from([0x3b, 0, 0]), image]), 'gif')).toBe(1);
    }
  });

  test.each([
    ['little-endian', true],
    ['big-endian', false],
  ])('a BigTIFF of %s numbers: directories of 64-bit words', (_, little) => {
    // Three directories of 0, 1 and 2 entries of 20 bytes; the file ends with the last.
    const bytes = bigTiff([0, 1, 2], little);
    expect(countOf(bytes, 'tiff')).toBe(3);
    // The place of the next directory is cut off, then the entries, then the count itself.
    expect(countOf(bytes.subarray(0, bytes.length - 1), 'tiff')).toBe(3);
    expect(countOf(bytes.subarray(0, bytes.length - 48), 'tiff')).toBe(3);
    expect(countOf(bytes.subarray(0, bytes.length - 49), 'tiff')).toBe(2);
  });

  test('a TIFF whose directories have entries, and that ends anywhere', () => {
    const directory = (entries: number, next: number) => [entries, 0, ...Array(12 * entries).fill(1), next, 0, 0, 0];
    const bytes = Buffer.from([
      0x49,
      0x49,
      42,
      0,
      8,
      0,
      0,
      0,
      ...directory(2, 38),
      ...directory(1, 56),
      ...directory(0, 0),
    ]);
    expect(countOf(bytes, 'tiff')).toBe(3);
    expect(countOf(bytes.subarray(0, 58), 'tiff')).toBe(3);
    expect(countOf(bytes.subarray(0, 57), 'tiff')).toBe(2);
    // A length of the first directory whose end lies behind the file.
    expect(countOf(bytes.subarray(0, 20), 'tiff')).toBe(1);
  });

  test('a circular chain of pages counts at most one page per two bytes', () => {
    const bytes = Buffer.from([0x49, 0x49, 42, 0, 8, 0, 0, 0, 0, 0, 8, 0, 0, 0]);
    // 14 bytes: the walk ends at the first count over 7.
    expect(countOf(bytes, 'tiff')).toBe(8);
  });

  test('a box that is too short for its count, or not whole, counts nothing', () => {
    const sized = (...tail: number[]) => box('stsz', Buffer.from([0, 0, 0, 0, 0, 0, 0, 9, ...tail]));
    const inTrack = (...boxes: Buffer[]) =>
      Buffer.concat([box('ftyp', Buffer.from('avis')), box('moov', box('trak', Buffer.concat(boxes)))]);
    expect(countOf(inTrack(sized(0, 0, 0, 5)), 'avif')).toBe(5);
    // Without its last byte, the next box would be read for a count.
    expect(countOf(inTrack(sized(0, 0, 0), box('free', Buffer.alloc(4))), 'avif')).toBe(1);
    expect(countOf(inTrack(sized(), box('free', Buffer.alloc(4))), 'avif')).toBe(1);
    // Its length says one byte more than the box around it has.
    const longer = sized(0, 0, 0, 5);
    longer[3]++;
    expect(countOf(Buffer.concat([inTrack(longer), Buffer.alloc(9)]), 'avif')).toBe(1);
    // A length of 64 bits of which not all is there.
    const cut = Buffer.from([0, 0, 0, 1, ...Buffer.from('mdat'), 0, 0, 0, 0, 0, 0, 0]);
    expect(countOf(Buffer.concat([inTrack(sized(0, 0, 0, 5)), cut]), 'avif')).toBe(5);
  });

  test('ignores counts in boxes of other names, or outside a movie', () => {
    const sizes = box('stsz', Buffer.from([0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 12]));
    for (const name of ['udta', 'meta', 'free']) {
      expect(countOf(box('moov', box(name, box('mdia', sizes))), 'avif'), name).toBe(1);
    }
    expect(
      countOf(box('moov', box('trak', box('mdia', box('minf', box('stbl', box('stco', Buffer.alloc(12))))))), 'avif'),
    ).toBe(1);
  });

  test('counts only the first 64 tracks of a movie', () => {
    const track = (count: number) =>
      box('trak', box('stbl', box('stsz', Buffer.from([0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, count]))));
    const movie = (counts: number[]) => box('moov', Buffer.concat(counts.map(track)));
    expect(countOf(movie([...Array(63).fill(2), 9]), 'avif')).toBe(9);
    expect(countOf(movie([...Array(64).fill(2), 9]), 'avif')).toBe(2);
  });

  test('a TIFF whose pages lead back to the first ends', () => {
    const bytes = Buffer.from([0x49, 0x49, 42, 0, 8, 0, 0, 0, 0, 0, 8, 0, 0, 0]);
    expect(() => checkFrameCount(bytes, 'tiff', 5, 'it')).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }));
    expect(checkFrameCount(bytes, 'tiff', 1e15, 'it')).toBeUndefined();
  });

  test('thousands of frames are counted at once, and named', async () => {
    const bytes = await animation(3000, 'gif');
    expect(() => checkFrameCount(bytes, 'gif', 100, 'party.gif')).toThrow(
      expect.objectContaining({
        code: 'TOO_LARGE',
        message: 'party.gif has more than 100 frames; maxFrames raises the limit',
      }),
    );
    expect(checkFrameCount(bytes, 'gif', 3000, 'party.gif')).toBeUndefined();
    expect(checkFrameCount(bytes, 'gif', Number.POSITIVE_INFINITY, 'party.gif')).toBeUndefined();
  });

  test('accepts or refuses any bytes, without another error', async () => {
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
      { numRuns: runs(2000) },
    );
  });
});

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

/** A BigTIFF of directories with so many empty entries each, one behind the other. */
function bigTiff(entries: number[], little: boolean): Buffer {
  const lengths = entries.map((count) => 8 + 20 * count + 8);
  const bytes = Buffer.alloc(16 + lengths.reduce((sum, length) => sum + length, 0));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  bytes.write(little ? 'II' : 'MM');
  view.setUint16(2, 43, little);
  view.setUint16(4, 8, little);
  let at = 16;
  view.setBigUint64(8, BigInt(at), little);
  entries.forEach((count, i) => {
    view.setBigUint64(at, BigInt(count), little);
    at += lengths[i];
    view.setBigUint64(at - 8, i + 1 < entries.length ? BigInt(at) : 0n, little);
  });
  return bytes;
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
