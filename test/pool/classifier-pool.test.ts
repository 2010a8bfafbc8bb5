import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Worker } from 'node:worker_threads';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildModel, createClassifier, type PixelImage } from '../../src/index.js';
import { ClassifierPool, type PoolItem, saveModel } from '../../src/node.js';
import { toFiles } from '../../src/tfjs/model/artifacts.js';
import { randomStream } from '../../src/tfjs/train/random.js';
import { nightTest } from '../night.js';
import { runNode } from '../package/run-node.js';

const built = existsSync('dist/node/classifier-worker.cjs');
if (!built) console.warn('\n  !! SKIPPED: ClassifierPool runs the built worker; `npm run build` first.\n');

const folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-pool-'));
const paths: string[] = [];
const random = randomStream(4);
const pools: ClassifierPool[] = [];
const threads: Worker[] = [];
const onWorker = (worker: Worker) => threads.push(worker);

function pool(options?: ConstructorParameters<typeof ClassifierPool>[0]): ClassifierPool {
  const made = new ClassifierPool({ workers: 2, batchSize: 4, ...options });
  pools.push(made);
  return made;
}

let common: ClassifierPool | undefined;
/** One pool for all tests that neither end it nor kill its threads: starting a pool takes most of the time of a small test. */
function sharedPool(): ClassifierPool {
  common ??= pool();
  return common;
}

function noise(): PixelImage {
  const level = 255 * random();
  const data = Uint8Array.from({ length: 40 * 40 }, () => level * random());
  return { data, width: 40, height: 40, channels: 1 };
}

beforeAll(async () => {
  process.on('worker', onWorker);
  for (let i = 0; i < 30; i++) {
    const { data, width, height } = noise();
    paths.push(join(folder, `${i}.jpg`));
    await sharp(data, { raw: { width, height, channels: 1 } })
      .jpeg()
      .toFile(paths[i]);
  }
});

afterAll(async () => {
  process.off('worker', onWorker);
  await Promise.all(pools.map((each) => each.close()));
  rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(!built)('ClassifierPool', () => {
  test.each([undefined, new AbortController().signal])(
    'a long stream keeps none of the results that were fetched (signal: %s)',
    async (signal) => {
      setFlagsFromString('--expose-gc');
      const collect: () => void = runInNewContext('gc');
      const fetched: WeakRef<object>[] = [];
      let kept = 0;
      const items = Array.from({ length: 60 }, (_, i) => paths[i % paths.length]);
      const stream = pool().classifyStream(items, { signal });
      for (;;) {
        const { value } = await stream.next();
        if (!value) break;
        fetched.push(new WeakRef(value.predictions as object));
        if (fetched.length < 50) continue;
        // What is left behind by now: the last few are on their way.
        await sleep(0);
        collect();
        kept = fetched.slice(0, 30).filter((result) => result.deref() !== undefined).length;
        break;
      }
      expect(kept).toBe(0);
      await stream.return(undefined);
    },
  );

  test('gives the same as a classifier, in order, for every kind of input', async () => {
    const { readFile } = await import('node:fs/promises');
    const bytes = await readFile(paths[1]);
    const items: PoolItem[] = [
      ...paths,
      pathToFileURL(paths[0]),
      bytes,
      new Uint8Array(bytes).buffer,
      noise(),
      { image: paths[2], box: { x: 5, y: 6, width: 20, height: 20 } },
    ];
    const classifier = createClassifier();
    const expected = await Promise.all(
      items.map((item) =>
        typeof item === 'object' && 'image' in item
          ? classifier.classify(item.image, { box: item.box })
          : classifier.classify(item),
      ),
    );
    const results = await sharedPool().classify(items);
    expect(results.map(({ item }) => item)).toEqual(items);
    // One face alone is computed with in 8 bits, a batch in floats: equal to some 1e-6.
    const close = expected.map((list) =>
      list.map(({ className, probability }) => ({ className, probability: expect.closeTo(probability, 5) })),
    );
    expect(results.map(({ predictions }) => predictions)).toEqual(close);
  });

  test('is the same from CommonJS', async () => {
    const required = createRequire(import.meta.url)('../../dist/node/node.cjs') as {
      ClassifierPool: typeof ClassifierPool;
    };
    const other = new required.ClassifierPool({ workers: 1 });
    const [{ predictions }] = await other.classify([paths[0]]);
    await other.close();
    expect(predictions).toEqual((await sharedPool().classify([paths[0]]))[0].predictions);
  });

  test('images that fail are reported in their place with their own code', async () => {
    writeFileSync(join(folder, 'text.jpg'), 'not an image');
    const odd = (() => 1) as unknown as string;
    const items = [paths[0], join(folder, 'gone.jpg'), paths[1], join(folder, 'text.jpg'), odd, paths[2]];
    const results = await sharedPool().classify(items, { topk: 1 });
    expect(results.map(({ predictions, error }) => predictions?.length ?? error?.code)).toEqual([
      ...[1, 'NOT_FOUND', 1, 'DECODE', 'INPUT', 1],
    ]);
    expect(results[1].error?.message).toContain('gone.jpg');
    const huge = await sharedPool().classify([paths[0]], { maxPixels: 100 });
    expect(huge[0].error?.code).toBe('TOO_LARGE');
  });

  test('an invalid item, or one that throws when it is inspected, fails alone', async () => {
    const throwing = Object.defineProperty({}, 'image', {
      enumerable: true,
      get: () => {
        throw new Error('no');
      },
    });
    const boxed = {
      image: paths[0],
      box: Object.defineProperty({}, 'x', { enumerable: true, get: throwing.valueOf.bind(null) }),
    };
    const items = [paths[0], null, throwing, undefined, boxed, paths[1]] as PoolItem[];
    const results = await sharedPool().classify(items);
    expect(results.map(({ error }) => error?.code)).toEqual([undefined, 'INPUT', 'INPUT', 'INPUT', 'INPUT', undefined]);
    expect(results.map(({ item }) => item)).toEqual(items);
    expect(results[1].error?.message).toMatch(/^null is not an image: pass a path/);
  });

  test('runs a model of your own by its folder or its files, and no other network', async () => {
    const model = buildModel({ seed: 7, dropout: 0.5 });
    model.layers[0].trainable = false;
    const dir = join(folder, 'model');
    await saveModel(model, dir);
    const expected = await createClassifier({ model }).classify(paths.slice(0, 3));
    for (const own of [dir, toFiles(model)]) {
      const results = await pool({ model: own }).classify(paths.slice(0, 3));
      results.forEach(({ predictions }, i) => {
        for (const { className, probability } of expected[i]) {
          expect(predictions?.find((each) => each.className === className)?.probability).toBeCloseTo(probability, 5);
        }
      });
    }
    const colour = toFiles(buildModel({ channels: 3 }));
    await expect(pool({ model: colour }).load()).rejects.toMatchObject({ code: 'MODEL' });
    const other = toFiles(
      sequential({ layers: [layers.flatten({ inputShape: [32, 32, 1] }), layers.dense({ units: 5 })] }),
    );
    await expect(pool({ model: other }).load()).rejects.toMatchObject({ code: 'MODEL' });
    await expect(pool({ model: 'nowhere' }).load()).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const damaged = { ...toFiles(model), binary: new Uint8Array(8) };
    await expect(pool({ model: damaged }).load()).rejects.toMatchObject({ code: 'WEIGHTS_CORRUPT' });
  });

  test('is used by `fer-dcnn classify` for many images', async () => {
    const many = Array.from({ length: 240 }, (_, i) => (i === 17 ? join(folder, 'gone.jpg') : paths[i % paths.length]));
    const run = await runNode(['dist/node/cli.js', 'classify', '--json', '--quiet', ...many], '.', {
      NODE_DEBUG: 'worker',
    });
    expect(run.code).toBe(1);
    const outcomes = JSON.parse(run.stdout) as { file: string; predictions?: unknown; error?: { code: string } }[];
    expect(outcomes.map(({ file }) => file)).toEqual(many);
    expect(outcomes[17].error?.code).toBe('NOT_FOUND');
    const [{ predictions }] = await sharedPool().classify([paths[0]]);
    expect(outcomes[0].predictions).toEqual(predictions);
    if (availableParallelism() > 1) expect(run.stderr).toMatch(/^WORKER/m);
  });

  test('takes no more items from its source than threads and reader can use', async () => {
    let taken = 0;
    async function* source() {
      while (taken < 1000) yield paths[taken++ % paths.length];
    }
    const results = sharedPool().classifyStream(source());
    for (let read = 1; read <= 40; read++) {
      expect((await results.next()).done).toBe(false);
      await sleep(2);
      // Two batches of 4 a thread, one being gathered, and the one that is being read.
      expect(taken - read).toBeLessThanOrEqual(6 * 4);
    }
    await results.return();
    const { value } = await results.next();
    expect(value).toBeUndefined();
    expect(taken).toBeLessThan(100);
  });

  test('gives results while the source pauses', async () => {
    let goOn = () => {};
    const pause = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    async function* source() {
      yield paths[0];
      await pause;
      yield paths[1];
    }
    const results = sharedPool().classifyStream(source());
    expect((await results.next()).value?.item).toBe(paths[0]);
    goOn();
    expect((await results.next()).value?.item).toBe(paths[1]);
    expect((await results.next()).done).toBe(true);
  });

  test('reports its progress', async () => {
    const told: unknown[] = [];
    await sharedPool().classify([...paths.slice(0, 5), 'gone.jpg'], { onProgress: (progress) => told.push(progress) });
    expect(told).toEqual([
      { done: 4, failed: 0, total: 6 },
      { done: 6, failed: 1, total: 6 },
    ]);
  });

  test('stops when aborted, before and in the middle, even while the source is silent', async () => {
    const shared = pool();
    await expect(shared.classify(paths, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
    const stop = new AbortController();
    let read = 0;
    const reading = (async () => {
      for await (const _ of shared.classifyStream(paths, { signal: stop.signal })) if (++read === 5) stop.abort();
    })();
    await expect(reading).rejects.toMatchObject({ code: 'ABORTED' });
    expect(read).toBe(5);
    const silent = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<IteratorResult<string>>(() => {}) }) };
    const signal = AbortSignal.timeout(50);
    await expect(shared.classifyStream(silent, { signal }).next()).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await shared.classify(paths)).toHaveLength(30);
  });

  test('a source that throws ends the stream with its error, and is closed when the reader leaves', async () => {
    async function* broken() {
      yield paths[0];
      throw new RangeError('the source broke');
    }
    const reading = (async () => {
      for await (const _ of sharedPool().classifyStream(broken()));
    })();
    await expect(reading).rejects.toThrow(RangeError);
    let closed = false;
    async function* endless() {
      try {
        for (;;) yield paths[0];
      } finally {
        closed = true;
      }
    }
    for await (const _ of sharedPool().classifyStream(endless())) break;
    await expect.poll(() => closed).toBe(true);
  });

  test('a thread that dies costs no result', async () => {
    const shared = pool();
    await shared.load();
    const mine = threads.slice(-2);
    let read = 0;
    const codes: unknown[] = [];
    async function* many() {
      for (let i = 0; i < 300; i++) yield paths[i % paths.length];
    }
    for await (const { predictions, error } of shared.classifyStream(many())) {
      if (++read === 20 || read === 100) mine.pop()?.terminate();
      codes.push(predictions?.length ?? error?.message);
    }
    expect(codes).toEqual(Array(300).fill(5));
    expect(mine).toHaveLength(0);
  });

  test('images whose threads die again and again are reported, and the pool recovers', async () => {
    const shared = pool();
    let deadly = true;
    const killing = (worker: Worker) => worker.once('message', () => deadly && worker.terminate());
    process.on('worker', killing);
    const results = await shared.classify(paths.slice(0, 10));
    process.off('worker', killing);
    deadly = false;
    expect(results.map(({ item }) => item)).toEqual(paths.slice(0, 10));
    const codes = new Set(results.map(({ predictions, error }) => (predictions ? 'fine' : error?.code)));
    expect([...codes].filter((code) => code !== 'fine')).toEqual(['WORKER']);
    expect(results.find(({ error }) => error)?.error?.message).toMatch(/\.jpg: the thread .* ended, twice/);
    const after = await shared.classify(paths);
    expect(after.filter(({ error }) => error)).toEqual([]);
  });

  test('close() ends the threads; later and unfinished calls fail with DISPOSED', async () => {
    const shared = pool();
    const results = shared.classifyStream(paths);
    await results.next();
    const mine = threads.slice(-2);
    await shared.close();
    await shared.close();
    expect(mine.map(({ threadId }) => threadId)).toEqual([-1, -1]);
    await expect(shared.classify(paths)).rejects.toMatchObject({ code: 'DISPOSED' });
    const rest = (async () => {
      for await (const _ of results);
    })();
    await expect(rest).rejects.toMatchObject({ code: 'DISPOSED' });
  });

  // Node 20 aborts the process when a thread is ended while it requires an ES module.
  test('the program of its threads is required without an ES module', async () => {
    const flag = '--no-experimental-require-module';
    const flags = process.allowedNodeEnvironmentFlags.has('--experimental-require-module') ? [flag] : [];
    const program = `console.log(typeof require('./dist/node/classifier-worker.cjs').default)`;
    expect(await runNode([...flags, '--eval', program], process.cwd())).toEqual({
      code: 0,
      stdout: 'function\n',
      stderr: '',
    });
  });

  nightTest('closing it while its threads start ends them, and not the process', async () => {
    const program = `
      import { ClassifierPool } from './dist/node/node.js';
      for (let i = 0; i < 400; i++) {
        const pool = new ClassifierPool({ workers: 2 });
        // Starts the threads, and has nothing for them.
        await pool.classify([null]);
        await new Promise((resolve) => setTimeout(resolve, (100 * (i % 40)) / 40));
        await pool.close();
      }`;
    const { code, stderr } = await runNode(['--input-type=module', '--eval', program], process.cwd());
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});

describe('ClassifierPool options', () => {
  test.each([{ workers: 0 }, { workers: 1.5 }, { batchSize: 0 }, { batchSize: Number.NaN }])(
    '%j is refused',
    (options) => {
      expect(() => new ClassifierPool(options)).toThrow(expect.objectContaining({ code: 'OPTION' }));
    },
  );

  test('topk is checked', async () => {
    await expect(new ClassifierPool().classify([], { topk: 0 })).rejects.toMatchObject({ code: 'OPTION' });
  });
});
