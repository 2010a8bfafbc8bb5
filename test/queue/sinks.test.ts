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
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { adoptLines } from '../../src/queue/adopt-lines.js';
import { functionSink, type IdentifiedResult } from '../../src/queue/function-sink.js';
import { itemId } from '../../src/queue/items.js';
import { jsonLines } from '../../src/queue/json-lines.js';
import { Ledger, type Outcome } from '../../src/queue/ledger.js';
import { redisStream } from '../../src/queue/redis-stream.js';
import type { ResultSink } from '../../src/queue/result-sink.js';
import { hasRedis, RedisServer } from './redis-server.js';
import { readResults } from './worker-process.js';

// A worker waits two seconds after a crash of Redis; here, the tests say when others are done.
vi.mock('node:timers/promises', async (original) => {
  const real = await original<typeof import('node:timers/promises')>();
  return { ...real, setTimeout: (ms: number, ...rest: []) => real.setTimeout(ms === 2000 ? 20 : ms, ...rest) };
});

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

/** The items of the file's lines, sorted; throws for a line that is not a result. */
const readLines = () =>
  readResults([file])
    .map(({ item }) => item)
    .sort();

/**
 * A ledger that holds the first places back that it gives.
 *
 * @param isStale - What Redis answers next is what it answered before it crashed.
 */
function heldUp(ledger: Ledger, isStale = false) {
  let letGo = () => {};
  const released = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let tellReached = () => {};
  const reached = new Promise<void>((resolve) => {
    tellReached = resolve;
  });
  let isFirst = true;
  let stale: string | undefined;
  const commitToFile: Ledger['commitToFile'] = async (id, run, outcomes) => {
    const placed = await ledger.commitToFile(id, run, outcomes);
    if (placed !== null && isFirst) {
      isFirst = false;
      if (isStale) stale = run;
      tellReached();
      await released;
    }
    return placed;
  };
  const check = async () => {
    const answer = stale ?? (await ledger.check());
    stale = undefined;
    return answer;
  };
  const methods: Partial<Ledger> = { commitToFile, check };
  const held = new Proxy(ledger, {
    get(target, name: keyof Ledger) {
      const value = methods[name] ?? target[name];
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return { ledger: held, reached, letGo };
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

  test('in a file: results delivered again, by the same worker or another, are there once', async () => {
    const [one, other] = [await opened(), await opened()];
    const [a, b, c] = [outcome('a é'), outcome('b', true), outcome('c')];
    await one.deliver([a, b]);
    await Promise.all([other.deliver([b, c]), one.deliver([a, b, c])]);
    expect(written()).toBe(linesOf(a, b, c));
    expect(await ledger.states([a, b, c].map(({ id }) => id))).toEqual(['done', 'failed', 'done']);
    expect(await ledger.counts()).toEqual({ total: 3, done: 2, failed: 1 });
  });

  test('in a file: another worker writes the results of one that died before it wrote, in their place', async () => {
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

  test('in a file: after Redis was emptied, results in the file are found, and half a line is overwritten', async () => {
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

  test('in a file: after Redis lost its last writes, nothing is overwritten or written twice', async () => {
    const [a, b, c, d] = [outcome('a'), outcome('b'), outcome('c'), outcome('d')];
    const sink = await opened();
    await sink.deliver([a]);
    await ledger.register([b, c].map(({ id }) => id));
    const before = server.written;
    await sink.deliver([b, c]);
    await server.crashTo(before);
    expect(await ledger.states([b.id, c.id])).toEqual(['waiting', 'waiting']);
    await sink.deliver([b, d]);
    expect(written()).toBe(linesOf(a, b, c, d));
    expect(await ledger.counts()).toEqual({ total: 4, done: 4, failed: 0 });
  });

  test('in a file: a worker that starts while another writes does not take the file for too short', async () => {
    const sink = await opened();
    const [a, b] = [outcome('a'), outcome('b')];
    await sink.deliver([a]);
    const opening: Partial<Ledger> = {
      async openFile(id, size) {
        if (size === a.line.length) await sink.deliver([b]);
        return ledger.openFile(id, size);
      },
    };
    await adoptLines(file, known(), Object.assign(Object.create({ adopt: ledger.adopt.bind(ledger) }), opening));
    expect(written()).toBe(linesOf(a, b));
    truncateSync(file, a.line.length);
    await expect(opened()).rejects.toMatchObject({
      code: 'QUEUE',
      message: expect.stringContaining(`has ${a.line.length} bytes, ${linesOf(a, b).length} were written`),
    });
  });

  describe('in a file, when Redis crashes and loses its last writes', () => {
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((item) => outcome(item));
    const [before, after] = [outcome('before'), outcome('after')];

    test('between a place and its line: the line gets another place, and the first is not left blank', async () => {
      const sink = await opened();
      await sink.deliver([before]);
      const lost = server.written;
      // Two workers: one has written, one has not when Redis is gone.
      const { run } = await ledger.openFile(known(), before.line.length);
      await ledger.commitToFile(known(), run, [a]);
      await (await opened()).deliver([b]);
      await server.crashTo(lost);
      await sink.deliver([a, b, after]);
      expect(written().replace(/ +/g, '')).toBe(linesOf(before, b, a, after));
      expect(await ledger.counts()).toEqual({ total: 4, done: 4, failed: 0 });
    });

    test('between a line and its record: it is recorded, though the worker has nothing more to deliver', async () => {
      const sink = await opened();
      await ledger.register([a.id]);
      const lost = server.written;
      await sink.deliver([a]);
      await server.crashTo(lost);
      expect(await ledger.counts()).toEqual({ total: 1, done: 0, failed: 0 });
      await sink.restarted!(await ledger.check());
      expect(await ledger.counts()).toEqual({ total: 1, done: 1, failed: 0 });
    });

    test('while a worker is about to write, and its place is given to another: it gets one of its own', async () => {
      const [quick, slow] = [await opened(), jsonLines(file)];
      await quick.deliver([before]);
      const lost = server.written;
      const held = heldUp(ledger);
      await slow.open(held.ledger);
      const delivering = slow.deliver([a, b]);
      await held.reached;
      await server.crashTo(lost);
      // Another worker takes the job of one over, and is given the places; it has written, or not yet.
      const other = heldUp(ledger);
      const late = jsonLines(file);
      await late.open(other.ledger);
      const deliveringLate = late.deliver([c, b]);
      await other.reached;
      const now = performance.now.bind(performance);
      const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + 1000);
      held.letGo();
      await delivering;
      other.letGo();
      await deliveringLate;
      clock.mockRestore();
      await quick.deliver([d]);
      expect(readLines()).toEqual(['a', 'b', 'before', 'c', 'd']);
      expect(await ledger.counts()).toEqual({ total: 5, done: 5, failed: 0 });
    });

    test('while a worker writes, before the one that is given its place: both lines are there', async () => {
      const [first, late, third] = [await opened(), jsonLines(file), jsonLines(file)];
      await first.deliver([before]);
      const lost = server.written;
      const slow = heldUp(ledger, true);
      await late.open(slow.ledger);
      const deliveringLate = late.deliver([a, b]);
      await slow.reached;
      await server.crashTo(lost);
      const other = heldUp(ledger);
      await third.open(other.ledger);
      const long = outcome('c'.repeat(300));
      const delivering = third.deliver([long, b]);
      await other.reached;
      slow.letGo();
      await expect.poll(() => written()).toContain(a.line);
      other.letGo();
      await Promise.all([deliveringLate, delivering]);
      await first.deliver([d]);
      await third.verify!();
      expect(readLines()).toEqual(['a', 'b', 'before', 'c'.repeat(300), 'd']);
      expect(await ledger.counts()).toEqual({ total: 5, done: 5, failed: 0 });
    });

    test('while lines of a worker wait for another to write them: they are written once', async () => {
      const sink = await opened();
      const { run } = await ledger.openFile(known(), 0);
      const left = (await ledger.commitToFile(known(), run, [a]))!;
      const lost = server.written;
      await ledger.commitToFile(known(), run, [b]);
      await server.crashTo(lost);
      await sink.deliver([c]);
      await sink.finish(left);
      expect(readLines()).toEqual(['a', 'c']);
      expect(await ledger.counts()).toEqual({ total: 2, done: 2, failed: 0 });
    });
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

    test('repeatedly while two workers write: no line is missing, and none is there twice', async () => {
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
          // However fast this disk is: all is not written before the file was replaced six times.
          while (replaced < 6 * (1 - outcomes.length / many.length)) await setTimeout(1);
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

    test('an empty file, other text or a cut file is refused until the right one is back', async () => {
      const sink = await opened();
      const [a, b] = [outcome('a'), outcome('b')];
      await sink.deliver([a]);
      renameSync(file, `${file}.away`);
      for (const content of ['', 'not results', `${'x'.repeat(2000)}\n`]) {
        writeFileSync(file, content);
        await expect(sink.deliver([b])).rejects.toMatchObject({
          code: 'UNREACHABLE',
          message: expect.stringContaining('restore it'),
        });
        await expect(sink.verify!()).rejects.toMatchObject({ code: 'UNREACHABLE' });
        expect(written()).toBe(content);
      }
      renameSync(`${file}.away`, file);
      const whole = written();
      truncateSync(file, 5);
      await expect(sink.deliver([b])).rejects.toMatchObject({
        message: expect.stringContaining(`it has 5 bytes, ${whole.length} were written: restore it`),
      });
      writeFileSync(file, whole);
      await sink.deliver([b]);
      expect(written()).toBe(linesOf(a, b));
    });

    test('a copy with other bytes at the place of a result is not overwritten', async () => {
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

    test('no check runs before the first write, nor while the file is missing', async () => {
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

  test('in a stream: each result once, appended and recorded in one step', async () => {
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

  test('in a function: it is called again with the same ids until it succeeds', async () => {
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
