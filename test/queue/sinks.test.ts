import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { copyFile, rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { functionSink, type IdentifiedResult } from '../../src/queue/function-sink.js';
import { itemId } from '../../src/queue/items.js';
import { jsonLines } from '../../src/queue/json-lines.js';
import { Ledger, type Outcome } from '../../src/queue/ledger.js';
import { redisStream } from '../../src/queue/redis-stream.js';
import type { ResultSink } from '../../src/queue/result-sink.js';
import { hasRedis, RedisServer } from './redis-server.js';

let server: RedisServer;
let redis: Redis;
let ledger: Ledger;
let folder: string;
let file: string;

/** A result as a worker makes it. */
function outcome(item: string, failed = false): Outcome {
  const result = failed ? { item, error: { code: 'DECODE', message: 'broken' } } : { item, predictions: [] };
  return { id: itemId(item), failed, line: `${JSON.stringify(result)}\n` };
}

const written = (path = file) => readFileSync(path, 'utf8');
const linesOf = (...outcomes: Outcome[]) => outcomes.map(({ line }) => line).join('');

/** What the ledger knows the file by. */
const known = () => JSON.parse(written(`${file}.owner`)).id as string;

/** Another error is one of the test's. */
function isUnreachable(error: { code?: string }): false {
  if (error.code !== 'UNREACHABLE') throw error;
  return false;
}

async function opened(path = file) {
  const sink = jsonLines(path);
  await sink.open(ledger);
  return sink;
}

describe.skipIf(!hasRedis())('results', () => {
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server.remove());
  beforeEach(async () => {
    redis = server.client();
    await redis.flushall();
    ledger = new Ledger(redis, 'test');
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'fer-dcnn-sinks-')));
    file = join(folder, 'new/results.jsonl');
  });
  afterEach(() => {
    redis.disconnect();
    rmSync(folder, { recursive: true, force: true });
  });

  test('in a file: delivered again, by the same worker or another, they are there once', async () => {
    const [one, other] = [await opened(), await opened()];
    const [a, b, c] = [outcome('a é'), outcome('b', true), outcome('c')];
    await one.deliver([a, b]);
    await Promise.all([other.deliver([b, c]), one.deliver([a, b, c])]);
    expect(written()).toBe(linesOf(a, b, c));
    expect(await ledger.states([a, b, c].map(({ id }) => id))).toEqual(['done', 'failed', 'done']);
    expect(await ledger.counts()).toEqual({ total: 3, done: 2, failed: 1 });
  });

  test('in a file: of a worker that died before it wrote, another writes them, in their place', async () => {
    const sink = await opened();
    const [a, b, c] = [outcome('a'), outcome('b'), outcome('c')];
    const { run } = await ledger.openFile(known(), 0);
    const left = await ledger.commitToFile(known(), run, [a, b]);
    await sink.deliver([c]);
    expect(await ledger.counts()).toMatchObject({ done: 1 });
    const states = await ledger.states([a.id, b.id]);
    expect(states).toEqual(left);
    await sink.finish(left!);
    await sink.finish(left!);
    expect(written()).toBe(linesOf(a, b, c));
    expect(await ledger.counts()).toEqual({ total: 3, done: 3, failed: 0 });
  });

  test('in a file: after Redis was emptied, what is in the file is known, and half a line is written over', async () => {
    const [a, b, c, d] = [outcome('a'), outcome('b', true), outcome('c'), outcome('d')];
    await (await opened()).deliver([a, b]);
    appendFileSync(file, c.line.slice(0, -9));
    await redis.flushall();
    const sink = await opened();
    expect(await ledger.states([a, b, c].map(({ id }) => id))).toEqual(['done', 'failed', 'waiting']);
    await sink.deliver([a, b, c, d]);
    expect(written()).toBe(linesOf(a, b, c, d));
    expect(await ledger.counts()).toEqual({ total: 4, done: 3, failed: 1 });
  });

  test('in a file: after Redis lost its last moments, nothing is written over or twice', async () => {
    const [a, b, c, d] = [outcome('a'), outcome('b'), outcome('c'), outcome('d')];
    const sink = await opened();
    await sink.deliver([a]);
    await redis.bgrewriteaof();
    const before = await redis.hgetall('fer:{test}:counts');
    await sink.deliver([b, c]);
    // As if it had been restarted from what it had written to its disk a second ago.
    for (const { id } of [b, c]) await redis.hset(`fer:{test}:i:${id.slice(0, 3)}`, id, 'w');
    await redis.hset('fer:{test}:counts', { ...before, total: 3 });
    await redis.hset('fer:{test}:files', known(), a.line.length);
    await server.kill();
    await server.start();
    await sink.deliver([b, d]);
    expect(written()).toBe(linesOf(a, b, c, d));
    expect(await ledger.counts()).toEqual({ total: 4, done: 4, failed: 0 });
  });

  test('in a file: one that holds something else is refused and left alone', async () => {
    const other = join(folder, 'photo.jpg');
    writeFileSync(other, 'not results');
    await expect(opened(other)).rejects.toMatchObject({ code: 'OPTION' });
    expect(written(other)).toBe('not results');
    await expect(opened(folder)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(opened('a\nb')).rejects.toMatchObject({ code: 'OPTION' });
  });

  test('in a file: Redis does not say which other files are written', async () => {
    const sink = await opened();
    const victim = join(folder, 'victim');
    writeFileSync(victim, 'keep');
    const placed = { id: itemId('a'), file: victim, offset: 0, line: 'evil\n' };
    await expect(sink.finish([placed])).rejects.toMatchObject({
      code: 'QUEUE',
      message: expect.stringContaining(victim),
    });
    expect(written(victim)).toBe('keep');
  });

  test('in a file: one that went away is an error until it is back, and then nothing is missing', async () => {
    const sink = await opened();
    const [a, b] = [outcome('a'), outcome('b')];
    await sink.deliver([a]);
    const away = written();
    rmSync(file);
    await expect(sink.deliver([b])).rejects.toMatchObject({ code: 'UNREACHABLE' });
    expect(await ledger.counts()).toMatchObject({ done: 1 });
    writeFileSync(file, away);
    await sink.deliver([b]);
    expect(written()).toBe(linesOf(a, b));
  });

  describe('in a file that is replaced by a copy of itself', () => {
    const many = Array.from({ length: 400 }, (_, i) => outcome(`${i}`));

    test('again and again while two workers write: no line is missing and none is there twice', async () => {
      const sinks = [await opened(), await opened()];
      await sinks[0].deliver([outcome('first')]);
      let writing = true;
      let replaced = 0;
      async function replace(): Promise<void> {
        while (writing) {
          await copyFile(file, `${file}.copy`);
          await new Promise((resolve) => setImmediate(resolve));
          await rename(`${file}.copy`, file);
          replaced++;
          // A moment in which a write can end: one that never gets any is refused.
          await setTimeout(20);
        }
      }
      const replacing = replace();
      const outcomes = [...many];
      const deliverAll = async (sink: ResultSink) => {
        for (let batch = outcomes.splice(0, 5); batch.length > 0; batch = outcomes.splice(0, 5)) {
          while (!(await sink.deliver(batch).then(() => true, isUnreachable)));
        }
      };
      await Promise.all([...sinks, ...sinks].map(deliverAll));
      writing = false;
      await replacing;
      for (const sink of sinks) await sink.verify!();
      expect(replaced).toBeGreaterThan(5);
      expect(written().split('\n').sort()).toEqual(
        linesOf(outcome('first'), ...many)
          .split('\n')
          .sort(),
      );
      expect(await ledger.counts()).toMatchObject({ total: 401, done: 401 });
    });

    test('a copy that lacks the last lines gets them, with the next write or when the worker looks', async () => {
      for (const isTold of [false, true]) {
        const [a, b, c] = ['a', 'b', 'c'].map((name) => outcome(`${name}${isTold}`));
        const sink = await opened();
        const before = written();
        await sink.deliver([a]);
        copyFileSync(file, `${file}.copy`);
        await sink.deliver([b]);
        renameSync(`${file}.copy`, file);
        if (isTold) await sink.deliver([c]);
        else await sink.verify!();
        expect(written()).toBe(before + linesOf(a, b, ...(isTold ? [c] : [])));
      }
    });

    test('an empty file, other text, or a file that was cut is no copy: it is refused until the right one is back', async () => {
      const sink = await opened();
      const [a, b] = [outcome('a'), outcome('b')];
      await sink.deliver([a]);
      renameSync(file, `${file}.away`);
      for (const content of ['', 'not results', `${'x'.repeat(2000)}\n`]) {
        writeFileSync(file, content);
        await expect(sink.deliver([b])).rejects.toMatchObject({
          code: 'UNREACHABLE',
          message: expect.stringContaining('put it back'),
        });
        await expect(sink.verify!()).rejects.toMatchObject({ code: 'UNREACHABLE' });
        expect(written()).toBe(content);
      }
      renameSync(`${file}.away`, file);
      const whole = written();
      truncateSync(file, 5);
      await expect(sink.deliver([b])).rejects.toMatchObject({
        message: expect.stringContaining(`it has 5 bytes, ${whole.length} were written: put it back`),
      });
      writeFileSync(file, whole);
      await sink.deliver([b]);
      expect(written()).toBe(linesOf(a, b));
    });

    test('a copy with other bytes where a result of this worker belongs is not written over', async () => {
      const sink = await opened();
      const [a, b] = [outcome('a'), outcome('b')];
      await sink.deliver([a, b]);
      const foreign = linesOf(a, { ...b, line: b.line.replace('"b"', '"z"') });
      writeFileSync(`${file}.copy`, foreign);
      renameSync(`${file}.copy`, file);
      await expect(sink.verify!()).rejects.toMatchObject({
        code: 'QUEUE',
        message: expect.stringContaining('other bytes'),
      });
      expect(written()).toBe(foreign);
    });

    test('nothing is looked for before the first write, nor in a file that is away', async () => {
      const sink = await opened();
      rmSync(file);
      await sink.verify!();
      writeFileSync(file, '');
      await sink.deliver([outcome('a')]);
      renameSync(file, `${file}.away`);
      await sink.verify!();
      renameSync(`${file}.away`, file);
      await sink.verify!();
      expect(written()).toBe(outcome('a').line);
    });
  });

  test('in a stream: once each, appended and recorded in one', async () => {
    const sink = redisStream('results');
    await sink.open(ledger);
    const [a, b] = [outcome('a'), outcome('b', true)];
    await Promise.all([sink.deliver([a]), sink.deliver([a, b]), sink.deliver([b, a])]);
    const entries = await redis.xrange('results', '-', '+');
    expect(entries.map(([, fields]) => fields)).toEqual([
      ['id', a.id, 'result', a.line.trimEnd()],
      ['id', b.id, 'result', b.line.trimEnd()],
    ]);
    expect(await ledger.counts()).toEqual({ total: 2, done: 1, failed: 1 });
    expect(() => redisStream('')).toThrow(expect.objectContaining({ code: 'OPTION' }));
  });

  test('in a function: called again with the same ids until it succeeds, and not after', async () => {
    const calls: IdentifiedResult[][] = [];
    const sink = functionSink((results) => {
      calls.push(results);
      if (calls.length === 1) throw new Error('the database is away');
    });
    await sink.open(ledger);
    const [a, b] = [outcome('a'), outcome('b', true)];
    await expect(sink.deliver([a, b])).rejects.toThrow('the database is away');
    expect(await ledger.counts()).toEqual({ total: 0, done: 0, failed: 0 });
    await sink.deliver([a, b]);
    await sink.deliver([a, b]);
    expect(calls).toHaveLength(2);
    expect(calls[1]).toEqual(calls[0]);
    expect(calls[1]).toEqual([
      { id: a.id, item: 'a', predictions: [] },
      { id: b.id, item: 'b', error: { code: 'DECODE', message: 'broken' } },
    ]);
    expect(await ledger.counts()).toEqual({ total: 2, done: 1, failed: 1 });
  });
});
