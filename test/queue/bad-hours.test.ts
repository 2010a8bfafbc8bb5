import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { enqueueFolder, queueStatus } from '../../src/queue.js';
import { FULL, leftOut, NIGHT, nightTest } from '../night.js';
import { OWN_MOUNTS } from '../package/own-mounts.js';
import { hasRedis, RedisServer } from './redis-server.js';
import { writeSmallImages } from './small-images.js';
import { readResults, WorkerProcess } from './worker-process.js';

if (!NIGHT) leftOut('4,500 of 6,000 images a fault', '1');

const COUNT = FULL ? 50_000 : NIGHT ? 6000 : 1500;
const PATIENCE = 30 * COUNT + 60_000;

const built = existsSync('dist/node/cli.js');

let folder: string;
let faces: string;
let paths: string[];
let results: string;
let file: string;
let redis: RedisServer;
let workers: WorkerProcess[];

const address = () => ({ connection: redis.url });

function start(env: Record<string, string> = {}): void {
  const args = ['--redis', redis.url, '--root', faces, '--concurrency', '1', '--lock', '2', '--out', file];
  workers.push(new WorkerProcess(args, env));
}

const finished = async () => {
  const { completed, failed } = await queueStatus(address());
  return completed + failed;
};

async function until(count: number): Promise<void> {
  await expect.poll(finished, { timeout: PATIENCE, interval: 100 }).toBeGreaterThanOrEqual(count);
}

/** One line an image, no more and no less, and the queue counts as many; no worker gave up. */
async function expectExact(): Promise<void> {
  expect(workers.filter(({ running }) => !running).map(({ stderr }) => stderr)).toEqual([]);
  const lines = readResults([file]);
  expect(lines.filter(({ predictions }) => predictions?.length !== 5)).toEqual([]);
  expect(lines).toHaveLength(COUNT);
  expect(new Set(lines.map(({ item }) => item))).toEqual(new Set(paths));
  expect(await queueStatus(address())).toEqual({ waiting: 0, active: 0, completed: COUNT, failed: 0 });
}

describe.skipIf(!built || !hasRedis())(`${COUNT} images, exactly one result each, in an hour in which`, () => {
  beforeAll(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'fer-dcnn-hours-')));
    faces = join(folder, 'faces');
    paths = await writeSmallImages(faces, COUNT);
  }, 600_000);
  // 50,000 files take minutes on a busy disk.
  afterAll(() => rmSync(folder, { recursive: true, force: true }), 600_000);
  beforeEach(async () => {
    results = mkdtempSync(join(folder, 'results-'));
    file = join(results, 'both.jsonl');
    workers = [];
    redis = await RedisServer.start();
    await enqueueFolder(faces, address());
  });
  afterEach(async () => {
    await Promise.all(workers.filter(({ running }) => running).map((worker) => worker.end('SIGKILL')));
    await redis.remove();
  });

  nightTest('Redis crashes four times, and loses its last second', { timeout: 2 * PATIENCE }, async () => {
    start();
    start();
    const written: number[] = [];
    const looking = setInterval(() => written.push(redis.written), 100);
    try {
      for (let crash = 1; crash <= 4; crash++) {
        await until((crash * COUNT) / 5);
        await redis.crashTo(written.at(-10)!);
      }
    } finally {
      clearInterval(looking);
    }
    await until(COUNT);
    await expectExact();
  });

  nightTest('clocks jump an hour, back and forth, every second', { timeout: 2 * PATIENCE }, async () => {
    const clock = join(folder, 'clock.mjs');
    writeFileSync(
      clock,
      `const now = Date.now;
      const RealDate = Date;
      let shift = 0;
      setInterval(() => { shift = [0, 3.6e6, -3.6e6][Math.floor(performance.now() / 1000) % 3]; }, 200).unref();
      globalThis.Date = class extends RealDate {
        constructor(...args) { super(...(args.length > 0 ? args : [now() + shift])); }
        static now() { return now() + shift; }
      };`,
    );
    const env = { NODE_OPTIONS: `--import=${pathToFileURL(clock).href}` };
    start(env);
    start(env);
    await until(COUNT / 2);
    await workers[0].end('SIGKILL');
    workers.shift();
    await until(COUNT);
    await expectExact();
  });

  nightTest(
    'the results file is replaced by a copy, and by nothing for a while',
    { timeout: 2 * PATIENCE },
    async () => {
      start();
      start();
      await until(COUNT / 5);
      // As some editors and backups do: another file of the same content.
      copyFileSync(file, `${file}.copy`);
      renameSync(`${file}.copy`, file);
      await until((2 * COUNT) / 5);
      renameSync(file, `${file}.away`);
      writeFileSync(file, '');
      await expect
        .poll(() => workers.map(({ stderr }) => stderr).join())
        .toMatch(/both\.jsonl cannot be written: .*restore it/);
      renameSync(`${file}.away`, file);
      await until(COUNT);
      await expectExact();
      expect(readdirSync(results).sort()).toEqual(['both.jsonl', 'both.jsonl.owner']);
    },
  );

  test.skipIf(!OWN_MOUNTS)('the disk is full for a while', { timeout: 2 * PATIENCE }, async () => {
    const disk = mkdtempSync(join(folder, 'disk-'));
    const flag = join(results, 'larger');
    const args = [
      '--redis',
      redis.url,
      '--root',
      faces,
      '--concurrency',
      '2',
      '--lock',
      '2',
      '--quiet',
      '--until-done',
    ];
    const script = `
      mount -t tmpfs -o size=256k tmpfs "$DISK"
      "$NODE" dist/node/cli.js worker ${args.join(' ')} --out "$DISK/both.jsonl" &
      worker=$!
      while [ ! -e "$FLAG" ]; do sleep 0.1; done
      mount -o remount,size=64m "$DISK"
      wait $worker
      cp "$DISK/both.jsonl" "$OUT"`;
    const { NODE_OPTIONS: _, VITEST: __, ...env } = process.env;
    const run = spawn('unshare', ['-rm', 'sh', '-euc', script], {
      env: { ...env, NODE: process.execPath, DISK: disk, FLAG: flag, OUT: file },
    });
    let stderr = '';
    run.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    await expect.poll(() => stderr).toMatch(/both\.jsonl cannot be written: ENOSPC.*\[UNREACHABLE\]/);
    await sleep(2000);
    // More lines do not fit.
    expect(await finished()).toBeLessThan((256 * 1024) / 200);
    writeFileSync(flag, '');
    const [code] = await once(run, 'exit');
    expect(code).toBe(0);
    await expectExact();
  });
});
