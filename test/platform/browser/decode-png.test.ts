import { crc32, deflateSync } from 'node:zlib';
import sharp, { type PngOptions } from 'sharp';
import { describe, expect, test } from 'vitest';
import { decodePng } from '../../../src/platform/browser/decode-png.js';
import fc from '../../fast-check.js';
import { noise } from '../../golden-network.js';
import { runs } from '../../night.js';

const WIDTH = 37;
const HEIGHT = 21;

describe('decodePng', () => {
  test.each([
    { name: 'RGB', channels: 3, options: {} },
    { name: 'RGB with alpha', channels: 4, options: {} },
    { name: 'RGB with alpha, interlaced', channels: 4, options: { progressive: true } },
    { name: 'a palette with alpha', channels: 4, options: { palette: true, colours: 200 } },
    {
      name: 'a palette of 4 bits, interlaced',
      channels: 4,
      options: { palette: true, colours: 12, progressive: true },
    },
    { name: 'a palette of 1 bit', channels: 3, options: { palette: true, colours: 2 } },
    { name: 'a palette of 2 bits', channels: 3, options: { palette: true, colours: 4 } },
  ] as { name: string; channels: 3 | 4; options: PngOptions }[])('reads $name as libvips does', async (given) => {
    const levels = levelsOf(WIDTH * HEIGHT * given.channels);
    const image = sharp(levels, { raw: { width: WIDTH, height: HEIGHT, channels: given.channels } });
    await expectAsLibvips(await image.png(given.options).toBuffer());
  });

  test.each([
    { space: 'grey16', channels: 1 },
    { space: 'grey16', channels: 2 },
    { space: 'rgb16', channels: 3 },
    { space: 'rgb16', channels: 4 },
  ] as const)('reads the high byte of $space with $channels channels', async ({ space, channels }) => {
    const levels = Uint16Array.from(noise(WIDTH * HEIGHT * channels, 2), (value) => value * 65_535);
    const image = sharp(levels, { raw: { width: WIDTH, height: HEIGHT, channels } }).toColourspace(space);
    for (const progressive of [false, true]) {
      const png = await image.clone().png({ progressive }).toBuffer();
      expect(png[24]).toBe(16);
      await expectAsLibvips(png);
    }
  });

  test('reads every colour type, depth and filter, with a colour that is transparent, as libvips does', async () => {
    const kinds = [
      ...[1, 2, 4, 8, 16].map((depth) => ({ colour: 0, samples: 1, depth })),
      ...[8, 16].flatMap((depth) => [
        { colour: 2, samples: 3, depth },
        { colour: 4, samples: 2, depth },
        { colour: 6, samples: 4, depth },
      ]),
    ];
    const cases = fc.record({
      kind: fc.constantFrom(...kinds),
      width: fc.integer({ min: 1, max: 20 }),
      height: fc.integer({ min: 1, max: 9 }),
      filters: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 9 }),
      seed: fc.nat(1e6),
      key: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ kind, width, height, filters, seed, key }) => {
        const length = Math.ceil((width * kind.samples * kind.depth) / 8);
        const rows = levelsOf(height * (1 + length), seed);
        for (let y = 0; y < height; y++) rows[y * (1 + length)] = filters[y % filters.length];
        const colours = kind.samples >= 3 ? 3 : 1;
        const tRNS = key && kind.samples % 2 === 1 ? new Uint8Array(2 * colours).fill(kind.depth === 16 ? 7 : 0) : null;
        // Rows of zeros hold the colour that is transparent.
        if (seed % 3 === 0) rows.fill(0);
        await expectAsLibvips(png({ ...kind, width, height, rows, tRNS }));
      }),
      { numRuns: runs(150) },
    );
  });

  test('refuses damaged files with a readable message', async () => {
    const rows = levelsOf(5 * (1 + 4 * 4), 3);
    for (let y = 0; y < 5; y++) rows[y * 17] = 0;
    const whole = png({ colour: 6, samples: 4, depth: 8, width: 4, height: 5, rows, tRNS: null });
    await expect(decodePng(whole.slice(0, 60))).rejects.toThrow('the file ends too early');
    await expect(decodePng(whole.slice(0, 20))).rejects.toThrow('the file ends too early');
    await expect(decodePng(changed(whole, 17, 9))).rejects.toThrow('the chunk IHDR is damaged');
    const short = png({ colour: 6, samples: 4, depth: 8, width: 4, height: 6, rows, tRNS: null });
    await expect(decodePng(short)).rejects.toThrow('the pixels end too early');
    const filter = png({ colour: 6, samples: 4, depth: 8, width: 4, height: 5, rows: changed(rows, 0, 5), tRNS: null });
    await expect(decodePng(filter)).rejects.toThrow('unknown filter: 5');
    const kind = png({ colour: 6, samples: 4, depth: 4, width: 4, height: 5, rows, tRNS: null });
    await expect(decodePng(kind)).rejects.toThrow('unknown kind of PNG: colour type 6, 4 bits');
    const colour = png({ colour: 3, samples: 1, depth: 8, width: 1, height: 1, rows: Uint8Array.of(0, 9), tRNS: null });
    await expect(decodePng(colour)).rejects.toThrow('the palette has no colour 9');
    await expect(decodePng(changed(whole, 45, whole[45] ^ 0xff))).rejects.toThrow();
  });

  test('never reads beyond the pixels of a stream that holds more', async () => {
    const rows = new Uint8Array(50e6);
    const { data } = await decodePng(png({ colour: 0, samples: 1, depth: 8, width: 3, height: 2, rows, tRNS: null }));
    expect([...data]).toEqual(Array.from({ length: 6 }, () => [0, 0, 0, 255]).flat());
  });
});

/** sharp may write levels of a palette or of 16 bits itself: it reads them, too. */
async function expectAsLibvips(file: Uint8Array): Promise<void> {
  const { data, info } = await sharp(file)
    .ensureAlpha()
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  expect(info.channels).toBe(4);
  const found = await decodePng(new Uint8Array(file));
  expect([found.width, found.height]).toEqual([info.width, info.height]);
  expect(Buffer.from(found.data).equals(data)).toBe(true);
}

interface Parts {
  colour: number;
  samples: number;
  depth: number;
  width: number;
  height: number;
  /** With a filter before each. */
  rows: Uint8Array;
  tRNS: Uint8Array | null;
}

function png({ colour, depth, width, height, rows, tRNS }: Parts): Uint8Array<ArrayBuffer> {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, colour, 0, 0, 0], 8);
  const chunks = [chunk('IHDR', header)];
  if (colour === 3) chunks.push(chunk('PLTE', Uint8Array.of(1, 2, 3)));
  if (tRNS) chunks.push(chunk('tRNS', tRNS));
  chunks.push(chunk('IDAT', deflateSync(rows)), chunk('IEND', new Uint8Array(0)));
  return new Uint8Array(Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...chunks]));
}

function chunk(type: string, content: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type), content]);
  const whole = Buffer.alloc(body.length + 8);
  whole.writeUInt32BE(content.length, 0);
  whole.set(body, 4);
  whole.writeUInt32BE(crc32(body), body.length + 4);
  return whole;
}

function levelsOf(count: number, seed = 1): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(noise(count, seed), (value) => value * 256);
}

function changed(bytes: Uint8Array<ArrayBuffer>, at: number, value: number): Uint8Array<ArrayBuffer> {
  const copy = bytes.slice();
  copy[at] = value;
  return copy;
}
