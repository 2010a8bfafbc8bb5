import { existsSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { enqueueFolder, queueStatus } from '../../src/queue.js';
import { leftOut, NIGHT, nightTest } from '../night.js';
import { hasRedis, RedisServer } from './redis-server.js';
import { writeSmallImages } from './small-images.js';
import { readResults, WorkerProcess } from './worker-process.js';

if (!NIGHT) leftOut('4,400 of 5,000 images a fault', '1');

const COUNT = NIGHT ? 5000 : 600;
/** So many results, and something happens. */
const SOME = COUNT / 4;
/** Seconds after which a silent worker's batches are taken over. */
const LOCK = NIGHT ? 2 : 1;

const built = existsSync('dist/node/cli.js');
if (!built) console.warn('\n  !! SKIPPED: queue faults are tested on the built command; `npm run build` first.\n');

let folder: string;
let faces: string;
let paths: string[];
let results: string;
let redis: RedisServer;
let workers: WorkerProcess[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-queue-'));
  faces = join(folder, 'faces');
  paths = await writeSmallImages(faces, COUNT);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeEach(async () => {
  results = mkdtempSync(join(folder, 'results-'));
  workers = [];
  redis = await RedisServer.start();
});
afterEach(async () => {
  await Promise.all(workers.filter(({ running }) => running).map((worker) => worker.end('SIGKILL')));
  await redis.remove();
});

const address = () => ({ connection: redis.url });

/** Two workers, of one thread each; each with a results file of its own unless both are given one. */
function startWorkers(out: readonly string[] = ['a.jsonl', 'b.jsonl'], root = faces): string[] {
  const files = out.map((name) => join(results, name));
  const common = ['--redis', redis.url, '--root', root, '--concurrency', '1', '--lock', String(LOCK)];
  for (const file of files) workers.push(new WorkerProcess([...common, '--out', file]));
  return [...new Set(files)];
}

const finished = async () => {
  const { completed, failed } = await queueStatus(address());
  return completed + failed;
};

/** Waits until so many items have a result. */
async function until(count: number): Promise<void> {
  await expect.poll(finished, { interval: 50 }).toBeGreaterThanOrEqual(count);
}

/** Every image has exactly one line, in whichever file, and the queue counts as many. */
function expectExact(files: readonly string[], expected: readonly string[] = paths) {
  const lines = readResults(files);
  expect(lines).toHaveLength(expected.length);
  expect(lines.map(({ item }) => item).sort()).toEqual([...expected].sort());
  return lines;
}

async function expectAllClassified(files: readonly string[]): Promise<void> {
  const lines = expectExact(files);
  expect(lines.filter(({ predictions }) => predictions?.length !== 5)).toEqual([]);
  expect(await queueStatus(address())).toEqual({ waiting: 0, active: 0, completed: COUNT, failed: 0 });
}

describe.skipIf(!built || !hasRedis())(`${COUNT} images, two workers, exactly one result an image, when`, () => {
  test('a worker is killed in mid-batch', async () => {
    await enqueueFolder(faces, address());
    const files = startWorkers();
    await until(SOME);
    await workers[0].end('SIGKILL');
    const { active } = await queueStatus(address());
    expect(active).toBeGreaterThan(0);
    await until(COUNT);
    await expectAllClassified(files);
  });

  test('Redis crashes and comes back', async () => {
    await enqueueFolder(faces, address());
    const files = startWorkers(['both.jsonl', 'both.jsonl']);
    await until(SOME);
    await redis.kill();
    await sleep(500);
    await redis.start();
    expect(await finished()).toBeLessThan(COUNT);
    await until(COUNT);
    await expectAllClassified(files);
    expect(workers.filter(({ running }) => !running).map(({ stderr }) => stderr)).toEqual([]);
  });

  nightTest('Redis does not answer for 20 s', { timeout: 120_000 }, async () => {
    await enqueueFolder(faces, address());
    const files = startWorkers();
    await until(SOME);
    redis.signal('SIGSTOP');
    await sleep(20_000);
    redis.signal('SIGCONT');
    expect(await finished()).toBeLessThan(COUNT);
    await until(COUNT);
    await expectAllClassified(files);
  });

  test('one image in a hundred is corrupt', async () => {
    const broken = join(folder, 'broken');
    const all = await writeSmallImages(broken, COUNT);
    const corrupt = all.filter((_, i) => i % 100 === 0);
    corrupt.forEach((path, i) => {
      // Text, nothing at all, or a JPEG that breaks off.
      writeFileSync(
        path,
        [Buffer.from('not an image'), Buffer.alloc(0), Buffer.from('\xff\xd8\xff\xe0\x00\x10JFIF', 'latin1')][i % 3],
      );
    });
    await enqueueFolder(broken, address());
    const files = startWorkers(undefined, broken);
    await until(COUNT);
    const lines = expectExact(files, all);
    const failed = lines.filter(({ error }) => error);
    expect(failed.map(({ item }) => item).sort()).toEqual([...corrupt].sort());
    for (const { item, error } of failed) {
      expect(error).toEqual({ code: 'DECODE', message: expect.stringContaining(item) });
    }
    expect(await queueStatus(address())).toEqual({
      waiting: 0,
      active: 0,
      completed: COUNT - corrupt.length,
      failed: corrupt.length,
    });
    // Once each into the failed set, with the reason; nothing waits to be tried again.
    const client = redis.client();
    // A job ends after its results are recorded.
    const active = () => client.llen('bull:faces:active');
    await expect.poll(active).toBe(0);
    const jobs = await client.zrange('bull:faces:failed', 0, -1);
    const held = await Promise.all(jobs.map((job) => client.hmget(`bull:faces:${job}`, 'data', 'failedReason', 'atm')));
    expect(held.flatMap(([data]) => JSON.parse(data!).items).sort()).toEqual([...corrupt].sort());
    for (const [, reason, attempts] of held) {
      expect(reason).toMatch(/of 50 images cannot be classified: .*\.jpg.*\[DECODE\]/);
      expect(attempts).toBe('1');
    }
    expect(await client.zcard('bull:faces:delayed')).toBe(0);
    client.disconnect();
  });

  nightTest('the same folder is enqueued twice during the run, and a worker is stopped', async () => {
    expect(await enqueueFolder(faces, address())).toEqual({ items: COUNT, fresh: COUNT, refused: 0 });
    const files = startWorkers();
    await until(SOME);
    expect(await enqueueFolder(faces, address())).toEqual({ items: COUNT, fresh: 0, refused: 0 });
    expect(await workers[0].end('SIGTERM')).toBe(0);
    expect(await finished()).toBeLessThan(COUNT);
    // It finished what it held: nothing is left to be taken over.
    const { active } = await queueStatus(address());
    expect(active).toBeLessThanOrEqual(2 * 50);
    await until(COUNT);
    expect(await enqueueFolder(faces, { ...address(), batchSize: 7 })).toEqual({ items: COUNT, fresh: 0, refused: 0 });
    const client = redis.client();
    const lists = async () => [await client.llen('bull:faces:wait'), await client.llen('bull:faces:active')];
    await expect.poll(lists).toEqual([0, 0]);
    client.disconnect();
    await expectAllClassified(files);
    expect(await workers[1].end('SIGTERM')).toBe(0);
  });

  nightTest('the folder of the results goes away for a while', { timeout: 120_000 }, async () => {
    await enqueueFolder(faces, address());
    const files = startWorkers(['both.jsonl', 'both.jsonl']);
    await until(SOME);
    renameSync(results, `${results}.away`);
    await expect.poll(() => workers.every(({ stderr }) => /both\.jsonl cannot be written/.test(stderr))).toBe(true);
    const before = await finished();
    await sleep(2000);
    expect(await finished()).toBe(before);
    expect(existsSync(results)).toBe(false);
    renameSync(`${results}.away`, results);
    await until(COUNT);
    await expectAllClassified(files);
    expect(workers[0].stderr).toMatch(/both\.jsonl cannot be written: .*\[UNREACHABLE\]/);
  });

  nightTest('a worker is paused past its lock, and continues when another has done its work', async () => {
    await enqueueFolder(faces, address());
    const files = startWorkers();
    await until(SOME);
    workers[0].process.kill('SIGSTOP');
    await until(COUNT);
    const size = statSync(files[0]).size;
    workers[0].process.kill('SIGCONT');
    // It ends what it has begun.
    expect(await workers[0].end('SIGTERM')).toBe(0);
    expect(statSync(files[0]).size).toBe(size);
    await expectAllClassified(files);
  });
});
