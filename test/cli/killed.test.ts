import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { watch } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { decodeCheckpoint } from '../../src/tfjs/train/checkpoint.js';
import { randomStream } from '../../src/tfjs/train/random.js';
import { SEED } from '../fast-check.js';
import { noise } from '../golden-network.js';
import { leftOut, NIGHT, nightTest } from '../night.js';
import { OWN_MOUNTS, runInOwnMounts } from '../package/own-mounts.js';
import { NODE, runNode } from '../package/run-node.js';

if (!NIGHT) leftOut('three of four kills of a training by the command line, and its report', '1');

/*
 * The command line's trainings at the worst of moments: killed, on a disk that fills, on one that is read-only. Whatever happens, every file
 * is whole, and --resume ends with the files of a run to which nothing happened. `FER_KILLS=20 npm run test:kills` kills more often.
 */
const KILLS = Number(process.env.FER_KILLS ?? (NIGHT ? 4 : 1));
const EPOCHS = NIGHT ? 4 : 2;

const { folder } = inject('consumer');
const cwd = join(folder, 'killed');
const cli = join(folder, 'node_modules/fer-dcnn/dist/node/cli.js');
/** Of a finished run: with a report, whose charts take a quarter of the time, at night. */
const FILES = [
  ...['checkpoint.bin', 'history.json', 'metrics.json', 'model.json'],
  ...(NIGHT ? ['report.html'] : []),
  ...['settings.json', 'weights.bin'],
];
const TRAIN = [
  ...['train', 'faces', '--epochs', String(EPOCHS), '--batch-size', '8', '--quiet'],
  ...(NIGHT ? [] : ['--no-val']),
];
const bytesOf = (...path: string[]) => readFileSync(join(cwd, ...path));

beforeAll(async () => {
  let seed = 1;
  for (const emotion of ['angry', 'happy', 'sad', 'neutral', 'surprised']) {
    mkdirSync(join(cwd, 'faces', emotion), { recursive: true });
    for (let i = 0; i < 10; i++) {
      const raw = { width: 48, height: 48, channels: 1 as const };
      const levels = Buffer.from(noise(48 * 48, seed++).map((value) => 255 * value));
      await sharp(levels, { raw })
        .png()
        .toFile(join(cwd, 'faces', emotion, `${i}.png`));
    }
  }
  expect(await runNode([cli, ...TRAIN, '--out', 'whole'], cwd)).toMatchObject({ code: 0, stderr: '' });
  expect(readdirSync(join(cwd, 'whole')).sort()).toEqual(FILES);
}, 120_000);

/** All but what a clock is read for. */
function expectSameRun(run: string) {
  // What a process that was killed while it asked for the lock has left goes a minute later: it might still be asking.
  const files = readdirSync(join(cwd, run)).filter((name) => !/^training\.lock\.[\w-]+\.tmp$/.test(name));
  expect(files.sort()).toEqual(FILES);
  for (const file of ['weights.bin', 'model.json', 'history.json', 'checkpoint.bin']) {
    expect(bytesOf(run, file).equals(bytesOf('whole', file)), file).toBe(true);
  }
}

/** Whether each file that is there can be read to its end. */
function expectWhole(run: string) {
  for (const file of readdirSync(join(cwd, run))) {
    if (file === 'checkpoint.bin') expect(decodeCheckpoint(bytesOf(run, file)).arrays.length).toBeGreaterThan(0);
    if (file.endsWith('.json')) expect(() => JSON.parse(String(bytesOf(run, file))), file).not.toThrow();
    if (file === 'weights.bin') expect(bytesOf(run, file).equals(bytesOf('whole', file))).toBe(true);
    if (file === 'report.html') expect(String(bytesOf(run, file)).trimEnd().endsWith('</html>')).toBe(true);
  }
}

test(`a run killed ${KILLS} times with kill -9 and continued with --resume ends with the same files`, {
  timeout: 60_000 + KILLS * 60_000,
}, async () => {
  console.log(`kills of the command line: ${KILLS}, seed ${SEED}`);
  const random = randomStream(SEED, 1);
  let killed = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const child = spawn(NODE, [cli, ...TRAIN, '--out', 'killed', '--resume'], { cwd, stdio: 'ignore' });
    const ended = new Promise<string | null>((resolve) => child.on('close', (_, signal) => resolve(signal)));
    // From its first change to the run folder on to its last, however fast the machine is.
    const watching = new AbortController();
    const changes = kill === 0 ? 1 : 1 + Math.floor(30 * random());
    await Promise.race([changesOf(join(cwd, 'killed'), changes, watching.signal), ended]);
    watching.abort();
    child.kill('SIGKILL');
    if ((await ended) === 'SIGKILL') killed++;
    expectWhole('killed');
  }
  expect(killed).toBeGreaterThan(0);
  const last = await runNode([cli, ...TRAIN, '--out', 'killed', '--resume'], cwd);
  expect(last).toMatchObject({ code: 0, stderr: '' });
  expectSameRun('killed');
});

/** Waits until so many changes to a folder's files have been seen; the folder may not be there yet. */
async function changesOf(path: string, count: number, signal: AbortSignal): Promise<void> {
  try {
    while (!existsSync(path)) await sleep(5, undefined, { signal });
    let left = count;
    for await (const _ of watch(path, { signal })) if (--left <= 0) return;
  } catch (error) {
    // The program ended first.
    if (!signal.aborted) throw error;
  }
}

nightTest('clocks that jump back and forth change nothing but the seconds', async () => {
  const clock = join(cwd, 'clock.mjs');
  writeFileSync(clock, 'const now = Date.now; let calls = 0; Date.now = () => now() + (calls++ % 2 ? 1 : -1) * 1e11;');
  const { code, stderr } = await runNode([cli, ...TRAIN, '--out', 'jumping'], cwd, {
    NODE_OPTIONS: `--import=${pathToFileURL(clock).href}`,
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expectSameRun('jumping');
});

describe.skipIf(!OWN_MOUNTS)('a disk', () => {
  // The network's weights take 2.1 MB, a checkpoint four times that, and the next one is written beside it.
  nightTest.each([
    ['for one checkpoint', '12m'],
    ['for no checkpoint', '5m'],
    ['for the settings alone', '8k'],
  ])(
    'that has room %s: one line says so, what is there is whole, and with more room --resume ends as it would',
    async (_, size) => {
      const run = `full-${size}`;
      mkdirSync(join(cwd, run));
      const { code, stdout, stderr } = await runInOwnMounts(
        `mkdir disk-${size}; mount -t tmpfs -o size=${size} tmpfs disk-${size}
      "$NODE" "$CLI" ${TRAIN.join(' ')} --out disk-${size}/run && exit 1
      cp -r disk-${size}/run/. ${run}-found
      mount -o remount,size=100m disk-${size}
      "$NODE" "$CLI" ${TRAIN.join(' ')} --out disk-${size}/run --resume
      cp -r disk-${size}/run/. ${run}`,
        cwd,
        { CLI: cli },
      );
      expect(stderr).toMatch(/^fer-dcnn: disk-\S+ cannot be written: ENOSPC: .* \[(CHECKPOINT|NOT_WRITTEN)\]\n$/);
      expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('epoch') });
      const found = readdirSync(join(cwd, `${run}-found`));
      expect(found.filter((name) => !FILES.includes(name))).toEqual([]);
      expectWhole(`${run}-found`);
      expectSameRun(run);
    },
  );

  test('that is read-only gives CHECKPOINT in one line, and no file changes', async () => {
    cpSync(join(cwd, 'whole'), join(cwd, 'read-only'), { recursive: true });
    const { code, stderr } = await runInOwnMounts(
      `mount --bind read-only read-only; mount -o remount,bind,ro read-only
      "$NODE" "$CLI" train faces --out read-only --resume --epochs 9 --quiet`,
      cwd,
      { CLI: cli },
    );
    expect(code).toBe(2);
    expect(stderr).toMatch(/^fer-dcnn: .*read-only.*EROFS: .* \[CHECKPOINT\]\n$/);
    expectSameRun('read-only');
  });
});
