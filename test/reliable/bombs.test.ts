import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, type MockInstance, test, vi } from 'vitest';
import { runProgram } from '../../src/cli/program.js';
import { errorLine } from '../../src/cli/report-error.js';
import { imageFolder } from '../../src/folders/image-folder.js';
import { readVotes } from '../../src/folders/votes.js';
import { toPixels } from '../../src/image/to-pixels.js';
import { schemeOf } from '../../src/queue/items.js';

const folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-bombs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Bytes that memory may grow by. */
const MEMORY = 128 * 2 ** 20;

async function bounded<T>(work: () => Promise<T>): Promise<T | unknown> {
  const before = process.memoryUsage().rss;
  const told = await work().catch((error) => error);
  expect(process.memoryUsage().rss - before).toBeLessThan(MEMORY);
  return told;
}

/**
 * Runs work on a text of some million characters. Linear work takes less than a second; work that grows with the square of
 * the length would take ten minutes or more, and is stopped after one.
 */
function linear<T>(work: () => T): T {
  return new Script('work()').runInNewContext({ work }, { timeout: 60_000 });
}

describe('images that are larger than their files', () => {
  /** sharp is asked for pixels. */
  let decoding: MockInstance;
  beforeEach(() => {
    decoding = vi.spyOn(sharp.prototype, 'raw');
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });
  // Loading sharp takes memory.
  beforeAll(async () => {
    await toPixels(
      await sharp({ create: { width: 2, height: 2, channels: 3, background: 'red' } })
        .png()
        .toBuffer(),
    );
  });

  test.each([
    [30_000, 30_000],
    [2 ** 31 - 1, 2 ** 31 - 1],
    [1, 100_000_000],
  ])('a PNG of %i x %i pixels in some hundred bytes is refused before it is decoded', async (width, height) => {
    expect(await bounded(() => toPixels(png(width, height)))).toMatchObject({
      name: 'FerError',
      code: expect.stringMatching(/TOO_LARGE|DECODE/),
    });
    expect(decoding).not.toHaveBeenCalled();
  });

  test('one within the limit that holds fewer bytes than it declares is an error, not padded', async () => {
    expect(await bounded(() => toPixels(png(3000, 3000)))).toMatchObject({ code: 'DECODE' });
    expect(decoding).toHaveBeenCalledTimes(1);
  });

  // Of all frames, sharp would make one high picture.
  test('an animation with 5,000 frames has only its first frame decoded', async () => {
    const animated = gif(5000);
    expect(await bounded(() => toPixels(animated))).toMatchObject({ width: 1, height: 1 });
    const webp = new Uint8Array(await sharp(gif(1000), { animated: true }).webp({ effort: 0 }).toBuffer());
    expect(await bounded(() => toPixels(webp))).toMatchObject({ width: 1, height: 1 });
  });

  test('a PNG whose compressed profile unpacks to 64 MB gives its picture or DECODE', async () => {
    const profile = Buffer.concat([Buffer.from('icc\0\0'), deflateSync(Buffer.alloc(64 * 2 ** 20))]);
    const bytes = png(4, 4, [chunk('iCCP', profile)], deflateSync(Buffer.alloc(4 * 5)));
    const told = await bounded(() => toPixels(bytes));
    if (told instanceof Error) expect(told).toMatchObject({ name: 'FerError', code: 'DECODE' });
    else expect(told).toMatchObject({ width: 4, height: 4 });
  });
});

test.each([
  ['SVG', '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>'],
  ['SVG behind a byte order mark', '\ufeff  <svg onload="alert(1)"/>'],
  ['PDF', '%PDF-1.7\n1 0 obj'],
  ['HTML', '<!doctype html><script>1</script>'],
  ['PostScript', '%!PS-Adobe-3.0\n'],
  ['ImageMagick MVG', 'push graphic-context\nimage over 0,0 0,0 "https://example.com/"'],
  ['PPM', 'P6 2 2 255\n123456789012'],
  ['gzip', '\x1f\x8b\x08'],
])('%s does not reach a decoder', async (_, text) => {
  await expect(toPixels(new TextEncoder().encode(text))).rejects.toMatchObject({ code: 'DECODE' });
});

describe('imageFolder', () => {
  test('stays inside its root, whatever links and names are there', () => {
    const root = join(folder, 'root');
    const outside = join(folder, 'outside');
    for (const path of [join(root, 'happy'), join(root, 'sad'), outside]) mkdirSync(path, { recursive: true });
    writeFileSync(join(outside, 'secret.png'), '');
    const names = ['a\nb.png', 'c\x1b[2J.png', '..d.png', 'e f.png', '-rf.png'];
    for (const name of names) writeFileSync(join(root, 'happy', name), '');
    symlinkSync(join(outside, 'secret.png'), join(root, 'happy', 'file.png'));
    symlinkSync(outside, join(root, 'happy', 'folder'));
    symlinkSync('..', join(root, 'happy', 'up'));
    symlinkSync('../happy/e f.png', join(root, 'sad', 'inside.png'));
    symlinkSync('loop.png', join(root, 'sad', 'loop.png'));
    const { files } = imageFolder(root, { classes: ['happy', 'sad'] });
    expect(files.filter(({ path }) => path.includes('secret') || path.includes('file.png'))).toEqual([]);
    // A link to a file that is read in its own place: each file once.
    expect(files.some(({ path }) => path === join(root, 'sad', 'inside.png'))).toBe(false);
    for (const name of names.filter((name) => !name.startsWith('.'))) {
      expect(files.some(({ path }) => path === join(root, 'happy', name))).toBe(true);
    }
  });

  test('a name with a newline stays one line in a message', async () => {
    const path = join(folder, 'x\nfer-dcnn: all is well.png');
    writeFileSync(path, '');
    const error: Error = await toPixels(path).then(
      () => new Error('read'),
      (reason) => reason,
    );
    expect(error.message).toContain('x\\nfer-dcnn');
    expect(error.message).not.toMatch(/\p{Cc}/u);
  });
});

describe('texts that are made to be slow to parse', () => {
  const votes = join(folder, 'votes.csv');
  test.each([
    ['an open quote', `file,happy\n"${'a'.repeat(5e6)}`],
    ['quotes alone', `file,happy\n${'"'.repeat(2_000_001)}`],
    ['commas alone', `file,happy\n${','.repeat(2e6)}`],
    ['carriage returns', `file,happy\n${'\r'.repeat(2e6)}`],
    ['many columns', `${'file,'.repeat(4e5)}happy\n`],
  ])('a votes file of %s', async (_, text) => {
    writeFileSync(votes, text);
    const told = await bounded(async () => linear(() => readVotes(votes, ['happy'])));
    if (told instanceof Error) expect(told).toMatchObject({ name: 'FerError', code: 'DATA' });
    else expect((told as Map<string, unknown>).size).toBe(0);
  });

  test.each([
    ['spaces', 'x  \n  y', 'x; y', ' '],
    ['newlines', '\nx\n\ny\n', 'x; y', '\n'],
  ])('an error of two million %s, and of few', (_, few, told, character) => {
    expect(linear(() => errorLine(new Error(`x${character.repeat(2e6)}y`))).length).toBeLessThan(2100);
    expect(errorLine(new Error(few))).toBe(`fer-dcnn: ${told} [UNKNOWN]\n`);
  });

  // Work that grows with the square of the length would take half an hour, and fail by the time limit of all tests.
  test('a command line of a million newlines or slashes', async () => {
    const written: string[] = [];
    const stderr = vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0);
    await runProgram(['classify', `--x${'\n'.repeat(1e6)}y`]);
    await runProgram(['split', `${'/'.repeat(1e6)}x`]);
    stderr.mockRestore();
    process.exitCode = undefined;
    expect(written.join('')).toMatch(/^fer-dcnn: unknown option '--x\?+\.\.\.\n.*\nfer-dcnn: \/+.*\n$/s);
  });

  test('an address of two million letters', () => {
    expect(linear(() => schemeOf('a'.repeat(2e6)))).toBeNull();
    expect(linear(() => schemeOf(`${'a+'.repeat(1e6)}/`))).toBeNull();
  });
});

/** CRC-32 of PNG (its specification, annex D); node:zlib has one from Node 20.15 on. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const made = Buffer.alloc(body.length + 8);
  made.writeUInt32BE(data.length, 0);
  body.copy(made, 4);
  made.writeUInt32BE(crc32(body), body.length + 4);
  return made;
}

/** A grey PNG. Unless pixels are given, it has only 64 bytes of them. */
function png(width: number, height: number, extra: Buffer[] = [], pixels: Uint8Array = deflateSync(Buffer.alloc(64))) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8;
  const parts = [chunk('IHDR', header), ...extra, chunk('IDAT', pixels), chunk('IEND', new Uint8Array())];
  return new Uint8Array(Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...parts]));
}

/** An animation of one pixel. */
function gif(frames: number): Uint8Array {
  const head = Buffer.from('GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff', 'latin1');
  const frame = Buffer.from('!\xf9\x04\0\x05\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0', 'latin1');
  return new Uint8Array(Buffer.concat([head, ...Array.from({ length: frames }, () => frame), Buffer.from(';')]));
}
