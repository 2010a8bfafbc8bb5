import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { toPixels } from '../../src/image/to-pixels.js';
import { imageFormat } from '../../src/platform/image-format.js';
import { type DecodeWork, decodeWork } from '../../src/platform/node/decode-work.js';
import { FULL, leftOut } from '../night.js';
import { progressiveJpeg } from './progressive-jpeg.js';

/*
 * The worst images of each format: as large as the limit lets in. FER_NIGHT=full for all of them and the default limit, as
 * `npm run bad-hours` does; else those that are quickly made, and a tenth of the limit.
 */
const WORK = FULL ? 1 : 0.1;
/** Estimates are of a core that does nothing else; on one that others share, caches are theirs. */
const SHARED_CORE = 1.6;

const folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-worst-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const noise = (width: number) =>
  sharp({
    create: {
      ...{ width, height: width, channels: 3, background: '#888' },
      noise: { type: 'gaussian', mean: 128, sigma: 60 },
    },
  });
const solid = (width: number, channels: 3 | 4 = 3) =>
  sharp({ create: { width, height: width, channels, background: { r: 80, g: 90, b: 100, alpha: 0.5 } } });
const encoded = (make: (width: number) => Sharp) => (width: number) => make(width).toBuffer();
const full = { quality: 100, chromaSubsampling: '4:4:4' };

const images: [string, (width: number) => Promise<Buffer>][] = [
  [
    'PNG, 16 bits, interlaced, noise',
    encoded((w) => noise(w).ensureAlpha(0.5).toColourspace('rgb16').png({ progressive: true, compressionLevel: 1 })),
  ],
  ['PNG, solid', encoded((w) => solid(w, 4).png())],
  ['JPEG, noise', encoded((w) => noise(w).jpeg(full))],
  ['JPEG, progressive, noise', encoded((w) => noise(w).jpeg({ ...full, progressive: true }))],
  [
    'JPEG, progressive, CMYK',
    encoded((w) =>
      noise(w)
        .toColourspace('cmyk')
        .jpeg({ ...full, progressive: true }),
    ),
  ],
  ['JPEG, 200 scans', async (w) => progressiveJpeg(w, 200)],
  ['JPEG, 882 scans', async (w) => progressiveJpeg(w, 882)],
  ['WebP, noise', encoded((w) => noise(w).webp({ quality: 60, effort: 0 }))],
  ['WebP, lossless, noise', encoded((w) => noise(w).webp({ lossless: true, effort: 0 }))],
  ['WebP, solid', encoded((w) => solid(w, 4).webp({ effort: 0 }))],
  ['GIF, noise', encoded((w) => noise(w).gif({ effort: 1 }))],
  ['AVIF, solid', encoded((w) => solid(w, 4).avif({ effort: 0 }))],
  ['AVIF, noise', encoded((w) => noise(w).avif({ effort: 0, quality: 90, chromaSubsampling: '4:4:4' }))],
  ['AVIF, coarse noise', encoded((w) => noise(w).avif({ effort: 0, quality: 30 }))],
  ['TIFF, LZW, Lab', encoded((w) => noise(w).toColourspace('lab').tiff({ compression: 'lzw' }))],
  ['TIFF, floats', encoded((w) => solid(w, 4).toColourspace('scrgb').tiff({ compression: 'deflate' }))],
  ['TIFF, CMYK', encoded((w) => noise(w).toColourspace('cmyk').tiff({ compression: 'lzw' }))],
  ['TIFF, JPEG inside', encoded((w) => noise(w).tiff({ compression: 'jpeg', quality: 100 }))],
  [
    'TIFF, one tile',
    encoded((w) => noise(w).tiff({ compression: 'deflate', tile: true, tileWidth: w, tileHeight: w })),
  ],
];

async function workOf(bytes: Buffer) {
  const format = imageFormat(bytes.subarray(0, 256), 'it');
  return decodeWork(bytes, format, () => sharp(bytes, { limitInputPixels: false }).metadata());
}

/** How much of the default limit. An image with a header that sharp refuses, such as a TIFF with too large a tile, is over it. */
const shareOf = (work: DecodeWork | null) =>
  work === null ? 1.25 * WORK : Math.max(work.milliseconds / 2000, work.bytes / 512e6);

const QUICKLY_MADE = [
  'PNG, solid',
  'JPEG, progressive, CMYK',
  'JPEG, 882 scans',
  'WebP, solid',
  'AVIF, solid',
  'TIFF, floats',
];
const chosen = FULL ? images : images.filter(([name]) => QUICKLY_MADE.includes(name));
if (!FULL) {
  leftOut(`${images.length - chosen.length} of ${images.length} worst images, and many at once`, 'full');
}

const rows: string[] = [];

describe.skipIf(process.platform !== 'linux')(`the most expensive images within ${WORK} of the default limit`, () => {
  afterAll(() => {
    console.log(['| image | size | bytes | CPU s, of estimated | MB, of estimated |', ...rows].join('\n'));
  });

  test.each(chosen)('%s: no more time or memory than estimated', { timeout: 600_000 }, async (name, make) => {
    const sample = shareOf(await workOf(await make(512)));
    let width = Math.floor((512 * Math.sqrt(WORK / sample)) / 16) * 16;
    let bytes = await make(Math.min(width, 8000));
    let work = await workOf(bytes);
    // A small image is not quite proportional.
    for (; shareOf(work) > WORK; work = await workOf(bytes)) {
      width = Math.floor((width * 0.995 * Math.sqrt(WORK / shareOf(work))) / 16) * 16;
      bytes = await make(width);
    }
    if (work === null) return expect.unreachable();
    expect(shareOf(work)).toBeGreaterThan(Math.min(WORK, 0.6) * 0.6 * Math.min(1, (8000 / width) ** 2));
    const file = join(folder, 'image');
    writeFileSync(file, bytes);
    const used = JSON.parse(execFileSync(process.execPath, ['test/reliable/decode-alone.mjs', file]).toString());
    const pair = (is: number, estimated: number) => `${is.toFixed(2)} of ${estimated.toFixed(2)}`;
    rows.push(
      `| ${name} | ${work.width}x${work.height} | ${bytes.length} | ${pair(used.milliseconds / 1000, work.milliseconds / 1000)} | ${pair(used.bytes / 1e6, work.bytes / 1e6)} |`,
    );
    expect(used.milliseconds).toBeLessThan(SHARED_CORE * work.milliseconds + 100);
    // A process that begins takes some by itself.
    expect(used.bytes).toBeLessThan(1.1 * work.bytes + 40e6);
    expect(work.bytes).toBeLessThan(512e6 * WORK);
    expect(work.milliseconds).toBeLessThan(2000 * WORK + 1);
  });
});

describe('small files that need much work are refused before they are decoded', () => {
  const refused: [string, () => Promise<Uint8Array>][] = [
    ['a JPEG of 7,999 x 7,999 in 882 scans', async () => progressiveJpeg(7999, 882)],
    ['a JPEG of 7,999 x 7,999 in 100 scans', async () => progressiveJpeg(7999, 100)],
    ['a PNG of 1 x 64,000,000', async () => png(1, 64_000_000)],
    ['a PNG of 64,000,000 x 1', async () => png(64_000_000, 1)],
    ['a PNG of 70,000 x 1', async () => png(70_000, 1)],
    ['an interlaced PNG of 8,000 x 8,000', async () => png(8000, 8000, 1)],
    ['an AVIF of 8,000 x 8,000', async () => resized(await solid(64).avif({ effort: 0 }).toBuffer(), 8000)],
    [
      'a WebP of 8,000 x 8,000',
      async () => webpResized(await solid(64).webp({ lossless: true, effort: 0 }).toBuffer(), 8000),
    ],
  ];
  test.each(refused)('%s', { timeout: 120_000 }, async (_, make) => {
    const bytes = await make();
    expect(bytes.length).toBeLessThan(2 ** 18);
    await toPixels(await solid(4).png().toBuffer());
    const before = process.memoryUsage().rss;
    const decoding = vi.spyOn(sharp.prototype, 'raw');
    await expect(toPixels(bytes)).rejects.toMatchObject({ code: 'TOO_LARGE' });
    expect(decoding).not.toHaveBeenCalled();
    decoding.mockRestore();
    expect(process.memoryUsage().rss - before).toBeLessThan(64e6);
  });

  test('the message names maxWork, and a higher maxWork accepts the image', async () => {
    const bytes = progressiveJpeg(800, 882);
    await expect(toPixels(bytes, { maxWork: 0.1 })).rejects.toMatchObject({
      code: 'TOO_LARGE',
      message: expect.stringContaining('maxWork'),
    });
    expect((await toPixels(bytes)).width).toBe(800);
    await expect(toPixels(bytes, { maxWork: 0 })).rejects.toMatchObject({ code: 'OPTION' });
  });
});

test.runIf(FULL && process.platform === 'linux')(
  'eight AVIFs at once, each let in, take no more than some one after another',
  async () => {
    const bytes = await solid(3000).avif({ effort: 0 }).toBuffer();
    const script = `
    import { ClassifierPool } from './dist/node/node.js';
    import { readFileSync } from 'node:fs';
    const pool = new ClassifierPool({ workers: 2 });
    const bytes = new Uint8Array(Buffer.from('${bytes.toString('base64')}', 'base64'));
    const results = await pool.classify(Array(8).fill(bytes));
    await pool.close();
    if (results.some(({ error }) => error)) throw results[0].error;
    process.stdout.write(/VmHWM:\\s*(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);`;
    const used = Number(execFileSync(process.execPath, ['--input-type=module', '--eval', script]).toString()) / 1024;
    // Each is estimated to take 207 MB: one a thread at a time, where eight were.
    expect(used).toBeLessThan(900);
  },
);

/** An AVIF that says it has another size; only a decoder would find out (ISO/IEC 23008-12, `ispe`). */
function resized(avif: Buffer, width: number): Buffer {
  const at = avif.indexOf('ispe') + 8;
  avif.writeUInt32BE(width, at);
  avif.writeUInt32BE(width, at + 4);
  return avif;
}

/** A lossless WebP that says it has another size (RFC 9649, 3.4: 14 bits each of width - 1 and height - 1). */
function webpResized(webp: Buffer, width: number): Buffer {
  const at = webp.indexOf('VP8L') + 9;
  const flags = webp.readUInt32LE(at) & 0xf0000000;
  webp.writeUInt32LE((flags | ((width - 1) << 14) | (width - 1)) >>> 0, at);
  return webp;
}

function png(width: number, height: number, interlaced = 0): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 0, 0, 0, interlaced], 8);
  const chunk = (kind: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(kind, 'latin1'), data]);
    const whole = Buffer.alloc(body.length + 8);
    whole.writeUInt32BE(data.length, 0);
    whole.set(body, 4);
    whole.writeUInt32BE(crc32(body), body.length + 4);
    return whole;
  };
  const rows = deflateSync(Buffer.alloc(Math.min((width + 1) * height, 128e6)));
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', rows), chunk('IEND', Buffer.alloc(0))]);
}
