import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toPixels } from '../../src/image/to-pixels.js';
import { classify, classifyFaces, createTracker, preprocess } from '../../src/index.js';
import { classify as classifyLite } from '../../src/lite.js';
import { ClassifierPool, checkFolder, imageFolder } from '../../src/node.js';
import type { ImageLimits } from '../../src/runtime.js';

const EMOTION = 'happy';
let folder: string;
let file: string;
let bytes: Buffer;
const pool = new ClassifierPool({ workers: 1 });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-limits-'));
  mkdirSync(join(folder, EMOTION));
  file = join(folder, EMOTION, 'animation.gif');
  const levels = Uint8Array.from({ length: 3 * 48 * 48 * 4 }, (_, k) => (k * 7 + Math.floor(k / 6912) * 31) & 255);
  const raw = { width: 48, height: 192, channels: 3 as const, pageHeight: 48 };
  bytes = await sharp(levels, { raw }).gif().toBuffer();
  writeFileSync(file, bytes);
});
afterAll(async () => {
  await pool.close();
  rmSync(folder, { recursive: true });
});

/** All that takes an image of a stranger; each throws what the image's own error is. */
const takers: [string, (limits: ImageLimits) => Promise<unknown>][] = [
  ['toPixels', (limits) => toPixels(file, limits)],
  ['preprocess', async (limits) => (await preprocess(bytes, limits)).dispose()],
  ['classify', (limits) => classify(file, limits)],
  ['classify of a list', (limits) => classify([bytes], limits)],
  ['classify of lite', (limits) => classifyLite(new Blob([new Uint8Array(bytes)]), limits)],
  ['classifyFaces', (limits) => classifyFaces(bytes, limits)],
  ['a tracker', (limits) => createTracker(limits).update(bytes, 0)],
  [
    'imageFolder',
    async (limits) => {
      for await (const sample of imageFolder(folder, limits)) expect(sample.image.width).toBe(48);
    },
  ],
  [
    'checkFolder',
    async (limits) => {
      const { unreadable } = await checkFolder(folder, limits);
      if (unreadable.length > 0) throw Object.assign(new Error(unreadable[0].reason), { code: 'TOO_LARGE' });
    },
  ],
  [
    'ClassifierPool',
    async (limits) => {
      const [{ error }] = await pool.classify([file], limits);
      if (error) throw error;
    },
  ],
];

describe.each(takers)('%s', (_, take) => {
  test('accepts values at its limits, and refuses values one above', async () => {
    await take({ maxPixels: 48 * 48, maxBytes: bytes.length, maxFrames: 4, maxMilliseconds: 60_000 });
    const over: ImageLimits[] = [{ maxPixels: 48 * 48 - 1 }, { maxBytes: bytes.length - 1 }, { maxFrames: 3 }];
    for (const limits of over) {
      const [name] = Object.keys(limits);
      await expect(take(limits), name).rejects.toMatchObject({
        code: 'TOO_LARGE',
        message: expect.stringContaining(name),
      });
    }
  });
});

describe('maxMilliseconds', () => {
  test('stops work that takes too long, and continues with the next image', async () => {
    // Slow to decode and quick to make: 9 million pixels of a progressive JPEG.
    const slow = await sharp({ create: { width: 3000, height: 3000, channels: 3, background: '#456' } })
      .jpeg({ progressive: true })
      .toBuffer();
    await expect(toPixels(slow, { maxMilliseconds: 1 })).rejects.toMatchObject({
      name: 'FerError',
      code: 'TIMEOUT',
      message: expect.stringContaining('maxMilliseconds'),
    });
    const [{ error }] = await pool.classify([new Uint8Array(slow)], { maxMilliseconds: 1 });
    expect(error?.code).toBe('TIMEOUT');
    expect((await toPixels(slow, { maxMilliseconds: 60_000 })).width).toBe(3000);
    expect((await pool.classify([file]))[0].predictions).toHaveLength(5);
  });
});

test.each(['maxPixels', 'maxBytes', 'maxFrames', 'maxMilliseconds'] as const)(
  '%s below 1, or no number, is refused by name',
  async (name) => {
    for (const value of [0, -1, Number.NaN, '5' as never]) {
      await expect(toPixels(bytes, { [name]: value })).rejects.toMatchObject({
        code: 'OPTION',
        message: expect.stringContaining(name),
      });
      await expect(pool.classify([file], { [name]: value })).rejects.toMatchObject({ code: 'OPTION' });
    }
  },
);

test('a file larger than maxBytes is not read', async () => {
  const large = join(folder, 'large.jpg');
  // 3 GB that take no room: longer than Node reads into one buffer.
  writeFileSync(large, '\xff\xd8\xff', 'latin1');
  truncateSync(large, 3e9);
  await expect(toPixels(large)).rejects.toMatchObject({
    code: 'TOO_LARGE',
    message: expect.stringContaining('maxBytes'),
  });
});
