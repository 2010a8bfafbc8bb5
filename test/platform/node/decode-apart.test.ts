import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { toPixels } from '../../../src/image/to-pixels.js';
import { progressiveJpeg } from '../../reliable/progressive-jpeg.js';

/** Long enough for any image here, on however busy a machine. */
const LIMIT = { maxMilliseconds: 60_000 };

const noise = (width: number) =>
  sharp({
    create: {
      ...{ width, height: width, channels: 3, background: '#888' },
      noise: { type: 'gaussian', mean: 128, sigma: 60 },
    },
  });

/** Processes that a process has started and that have not ended, on Linux. */
function childrenOf(pid: number): number[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      const [, , state, parent] = /^(\d+) \(.*\) (\w) (\d+)/s.exec(readFileSync(`/proc/${name}/stat`, 'utf8'))!;
      return Number(parent) === pid && state !== 'Z' ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}
const isDecoder = (pid: number) => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('decode-process');
  } catch {
    return false;
  }
};
const decoders = () => childrenOf(process.pid).filter(isDecoder);
/** It has worked for 0.6 s, and takes half as long to start. */
const isDecoding = (pid: number) =>
  Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')[11]) > 60;

/** Takes half a minute or more. */
let slow: Buffer;
const SLOW = { maxWork: 1e6 };

beforeAll(() => {
  slow = progressiveJpeg(7992, 300);
});

describe('with a limit of time, an image is decoded in another process', () => {
  const images: [string, () => Promise<Buffer>][] = [
    ['JPEG', () => noise(500).jpeg().toBuffer()],
    ['progressive JPEG in CMYK', () => noise(60).toColourspace('cmyk').jpeg({ progressive: true }).toBuffer()],
    ['PNG of 16 bits with alpha', () => noise(60).ensureAlpha(0.5).toColourspace('rgb16').png().toBuffer()],
    ['grey PNG with alpha', () => noise(60).greyscale().ensureAlpha(0.5).png().toBuffer()],
    ['WebP', () => noise(60).webp().toBuffer()],
    ['AVIF', () => noise(60).avif({ effort: 0 }).toBuffer()],
    ['GIF', () => noise(60).gif().toBuffer()],
    ['TIFF', () => noise(60).tiff().toBuffer()],
  ];
  test.each(images)('to the same pixels: %s', async (_, make) => {
    const bytes = await make();
    const { data, ...size } = await toPixels(bytes, LIMIT);
    const { data: direct, ...directSize } = await toPixels(bytes);
    expect(size).toEqual(directSize);
    expect(Buffer.from(data as Uint8Array).equals(Buffer.from(direct as Uint8Array))).toBe(true);
  });

  test('and images that cannot be decoded are refused with the same message', async () => {
    const png = await noise(60).png().toBuffer();
    for (const [bytes, limits] of [
      [png.subarray(0, 2000), {}],
      [png, { maxPixels: 100 }],
      [slow, {}],
    ] as const) {
      const { code, message } = await toPixels(bytes, limits).then(
        () => expect.unreachable(),
        (error) => error,
      );
      await expect(toPixels(bytes, { ...limits, ...LIMIT })).rejects.toMatchObject({ name: 'FerError', code, message });
    }
  });

  test.skipIf(process.platform !== 'linux')('which is used again, and ends after a long idle time', async () => {
    const png = await noise(60).png().toBuffer();
    await toPixels(png, LIMIT);
    const [first, ...others] = decoders();
    expect(others).toEqual([]);
    await toPixels(png, LIMIT);
    expect(decoders()).toEqual([first]);
  });
});

describe('an image that takes too long', () => {
  test('is ended at its time limit, also four at once, and keeps no thread of this process from reading files', async () => {
    const here = vi.spyOn(sharp.prototype, 'raw');
    await Promise.all(
      Array.from({ length: 4 }, () =>
        expect(toPixels(slow, { ...SLOW, maxMilliseconds: 100 })).rejects.toMatchObject({
          code: 'TIMEOUT',
          message: expect.stringContaining('took longer to decode than 100 ms'),
        }),
      ),
    );
    await readFile(new URL(import.meta.url));
    expect(here).not.toHaveBeenCalled();
    here.mockRestore();
  });

  test.skipIf(process.platform !== 'linux')('ends with its process', async () => {
    await expect(toPixels(slow, { ...SLOW, maxMilliseconds: 100 })).rejects.toMatchObject({ code: 'TIMEOUT' });
    await expect.poll(decoders).toEqual([]);
  });

  test('does not use the time of the images after it', async () => {
    const png = await noise(60).png().toBuffer();
    const slowOnes = Array.from({ length: 4 }, () =>
      toPixels(slow, { ...SLOW, maxMilliseconds: 100 }).catch((error) => error.code),
    );
    const behind = await toPixels(png, { maxMilliseconds: 20_000 });
    expect(behind.width).toBe(60);
    expect(await Promise.all(slowOnes)).toEqual(Array(4).fill('TIMEOUT'));
  });
});

describe.skipIf(process.platform !== 'linux')('a process that ends by itself', () => {
  async function killDecoder(): Promise<number> {
    await expect.poll(decoders, { interval: 20 }).not.toEqual([]);
    const [pid] = decoders();
    process.kill(pid, 'SIGKILL');
    return pid;
  }

  test('without work is replaced', async () => {
    const png = await noise(60).png().toBuffer();
    await toPixels(png, LIMIT);
    const [before] = decoders();
    process.kill(before, 'SIGKILL');
    await expect.poll(decoders).toEqual([]);
    expect((await toPixels(png, LIMIT)).width).toBe(60);
    expect(decoders()).not.toContain(before);
  });

  test('at the same image twice gives an error for it; once, the image is decoded again', async () => {
    const png = await noise(60).png().toBuffer();
    await toPixels(png, LIMIT);
    const failed = expect(toPixels(slow, { ...SLOW, ...LIMIT })).rejects.toMatchObject({
      code: 'DECODE',
      message: expect.stringContaining('its decoding process ended twice, with SIGKILL'),
    });
    const first = await killDecoder();
    await expect.poll(decoders).not.toContain(first);
    await expect.poll(() => decoders().some(isDecoding)).toBe(true);
    await killDecoder();
    await failed;
    expect((await toPixels(png, LIMIT)).width).toBe(60);
  });

  test('leaves a stop signal for all processes to the parent', async () => {
    const png = await noise(60).png().toBuffer();
    await toPixels(png, LIMIT);
    const [pid] = decoders();
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(pid, signal);
    await toPixels(png, LIMIT);
    expect(decoders()).toEqual([pid]);
  });
});

describe('a program', () => {
  const program = (work: string) => `
    import { classify } from './dist/node/index.js';
    import { readFileSync } from 'node:fs';
    ${work}`;

  test('ends when its work is done, although a decoding process waits', async () => {
    const png = (await noise(60).png().toBuffer()).toString('base64');
    const script = program(
      `console.log((await classify(Buffer.from('${png}', 'base64'), { maxMilliseconds: 60_000 })).length);`,
    );
    // In this program, an idle process never ends: if the program waited for it, the test would not end either.
    const forever = `const { setTimeout: set } = globalThis;
      globalThis.setTimeout = (work, ms, ...args) => set(work, ms === 10_000 ? 2 ** 31 - 1 : ms, ...args);`;
    const run = [process.execPath, ['--input-type=module', '--eval', `${forever}${script}`]] as const;
    expect(execFileSync(...run, { timeout: 120_000 }).toString()).toBe('5\n');
  });

  test.skipIf(process.platform !== 'linux')(
    'that is killed during an image takes its decoding process with it',
    async () => {
      const script = program('await classify(readFileSync(0), { maxMilliseconds: 600_000, maxWork: 1e6 });');
      const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
        stdio: ['pipe', 'inherit', 'inherit'],
      });
      child.stdin.end(slow);
      const found = () => childrenOf(child.pid!).filter((pid) => isDecoder(pid) && isDecoding(pid));
      await expect.poll(found).toHaveLength(1);
      const [pid] = found();
      child.kill('SIGKILL');
      await once(child, 'exit');
      await expect.poll(() => isDecoder(pid)).toBe(false);
    },
  );
});

describe('where no process can be started', () => {
  afterEach(() => {
    vi.doUnmock('node:child_process');
    vi.resetModules();
  });
  test.each([
    [
      'forbidden',
      () => {
        throw Object.assign(new Error('Access to this API has been restricted'), { code: 'ERR_ACCESS_DENIED' });
      },
    ],
    [
      'gone at once',
      (spawnOf: typeof spawn) =>
        spawnOf(process.execPath, ['--eval', 'process.exit(1)'], { stdio: ['pipe', 'pipe', 'ignore'] }),
    ],
    [
      'no such program',
      (spawnOf: typeof spawn) => spawnOf('/no/such/program', [], { stdio: ['pipe', 'pipe', 'ignore'] }),
    ],
  ])('(%s) the image is decoded here, and the limit still holds', async (_, start) => {
    vi.resetModules();
    const real = await vi.importActual<typeof import('node:child_process')>('node:child_process');
    const spawned = vi.fn(() => start(real.spawn));
    vi.doMock('node:child_process', () => ({ ...real, spawn: spawned }));
    const { toPixels: fresh } = await import('../../../src/image/to-pixels.js');
    const png = await noise(60).png().toBuffer();
    expect((await fresh(png, LIMIT)).width).toBe(60);
    expect((await fresh(png, LIMIT)).width).toBe(60);
    // It is not tried for each image.
    expect(spawned).toHaveBeenCalledTimes(1);
    await expect(
      fresh(await noise(600).jpeg({ progressive: true }).toBuffer(), { maxMilliseconds: 1 }),
    ).rejects.toMatchObject({ code: 'TIMEOUT' });
  });
});
