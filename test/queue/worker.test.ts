import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Queue } from 'bullmq';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { buildModel, classify, classifyFaces, createClassifier, type DetectedFace } from '../../src/index.js';
import { saveModel } from '../../src/node.js';
import {
  type CreateWorkerOptions,
  createMetrics,
  createWorker,
  enqueue,
  enqueueFolder,
  type FaceResult,
  type ItemReference,
  jsonLines,
  type QueueWorker,
  queueStatus,
  redisStream,
} from '../../src/queue.js';
import { leftOut, NIGHT, nightTest, rows } from '../night.js';
import { runNode } from '../package/run-node.js';
import { hasRedis, RedisServer } from './redis-server.js';
import { writeSmallImages } from './small-images.js';
import { type ResultLine, readResults, WorkerProcess } from './worker-process.js';

const built = existsSync('dist/node/cli.js');
if (!NIGHT) leftOut('four of six mistakes on the command line', '1');
if (!built) console.warn('\n  !! SKIPPED: queue workers run the built threads; `npm run build` first.\n');

let server: RedisServer;
let folder: string;
let faces: string;
let paths: string[];
let store: Server;
let host: string;
/** What the object store does when an image is asked for. */
let onAsked: (path: string) => number;
const workers: QueueWorker[] = [];

const address = () => ({ connection: server.url });

async function start(options: Partial<CreateWorkerOptions> = {}): Promise<QueueWorker> {
  const worker = await createWorker({
    ...address(),
    roots: [faces],
    privateHosts: [host],
    sink: jsonLines(join(folder, 'results.jsonl')),
    concurrency: 1,
    lockDuration: 2000,
    ...options,
  });
  workers.push(worker);
  return worker;
}

async function allDone(): Promise<void> {
  const open = async () => {
    const { waiting, active } = await queueStatus(address());
    return waiting + active;
  };
  await expect.poll(open, { interval: 100 }).toBe(0);
}

function byItem(lines: readonly ResultLine[]): Record<string, ResultLine> {
  return Object.fromEntries(lines.map((line) => [line.item, line]));
}

const resultFile = () => readResults([join(folder, 'results.jsonl')]);

describe.skipIf(!built || !hasRedis())('a worker', () => {
  beforeAll(async () => {
    server = await RedisServer.start();
    store = createServer((request, response) => {
      const status = onAsked(request.url!);
      if (status === 200) response.end(readFileSync(paths[0]));
      else if (status > 0) response.writeHead(status).end();
    }).listen(0, '127.0.0.1');
    await once(store, 'listening');
    host = `127.0.0.1:${(store.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    await server.remove();
    store.closeAllConnections();
    store.close();
  });
  beforeEach(async () => {
    const redis = server.client();
    await redis.flushall();
    redis.disconnect();
    folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-worker-'));
    faces = join(folder, 'faces');
    paths = await writeSmallImages(faces, 120);
    onAsked = () => 200;
  });
  afterEach(async () => {
    await Promise.all(workers.splice(0).map((worker) => worker.close()));
    rmSync(folder, { recursive: true, force: true });
  });

  test('classifies paths, addresses and bytes as classify() does', async () => {
    const bytes = readFileSync(paths[1]);
    const url = `http://${host}/face.jpg`;
    const items: ItemReference[] = [paths[0], 'a/2.jpg', url, bytes, paths[0]];
    expect(await enqueue(items, address())).toEqual({ items: 5, fresh: 4, refused: 0 });
    expect(await queueStatus(address())).toEqual({ waiting: 4, active: 0, completed: 0, failed: 0 });
    await start();
    await allDone();
    const lines = resultFile();
    expect(lines.map(({ item }) => item)).toEqual([
      paths[0],
      'a/2.jpg',
      url,
      expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    ]);
    const expected = [
      await classify(paths[0]),
      await classify(paths[2]),
      await classify(paths[0]),
      await classify(bytes),
    ];
    // One face alone is computed with in 8 bits, a batch in floats: equal to some 1e-6.
    const close = expected.map((list) =>
      list.map(({ className, probability }) => ({ className, probability: expect.closeTo(probability, 5) })),
    );
    expect(lines.map(({ predictions }) => predictions)).toEqual(close);
  });

  test('finds the faces of each image, one result per image, and gives a function the types of its options', async () => {
    const photo = join(faces, 'photo.jpg');
    await sharp('node_modules/@vladmandic/face-api/demo/sample1.jpg').resize(480).toFile(photo);
    writeFileSync(join(faces, 'broken.jpg'), 'no picture');
    await enqueue(['photo.jpg', paths[0], 'broken.jpg'], address());
    const results = new Map<string, { faces: readonly FaceResult[] } | { error: { code: string } }>();
    await createWorker({
      ...address(),
      roots: [faces],
      concurrency: 1,
      faces: true,
      sink: (lines) => {
        for (const { item, ...result } of lines) results.set(item, result);
      },
    }).then((worker) => workers.push(worker));
    await allDone();
    const answer = ({ box, score, predictions }: DetectedFace) => ({ box, score, predictions });
    expect(results.get('photo.jpg')).toEqual({
      id: expect.any(String),
      faces: (await classifyFaces(photo)).map(answer),
    });
    expect(results.get('photo.jpg')).toHaveProperty('faces.length', 3);
    expect(results.get(paths[0])).toMatchObject({ faces: [] });
    expect(results.get('broken.jpg')).toMatchObject({ error: { code: 'DECODE' } });
  });

  test('types its results by the names of the classes, and refuses names that are not the model’s', async () => {
    const names = ['surprised', 'angry', 'happy', 'sad', 'neutral'] as const;
    await enqueue([paths[0]], address());
    const seen: (typeof names)[number][] = [];
    const sink: CreateWorkerOptions<(typeof names)[number]>['sink'] = (lines) => {
      for (const line of lines) if ('predictions' in line) seen.push(...line.predictions.map((each) => each.className));
    };
    await start({ classes: names, sink } as Partial<CreateWorkerOptions>);
    await allDone();
    expect(seen.sort()).toEqual([...names].sort());
    await expect(start({ classes: ['bored', 'attentive'] as never })).rejects.toMatchObject({ code: 'CLASSES' });
  });

  test('a model of seven classes writes its own names, with the probabilities of its classifier', async () => {
    const classes = ['angry', 'happy', 'sad', 'neutral', 'surprised', 'disgust', 'fear'];
    const model = buildModel({ classes, seed: 7 });
    await saveModel(model, join(folder, 'seven'));
    await enqueue(paths.slice(0, 3), address());
    await start({ model: join(folder, 'seven') });
    await allDone();
    const lines = byItem(resultFile());
    const classifier = createClassifier<string>({ model });
    for (const path of paths.slice(0, 3)) {
      const close = (await classifier.classify(path)).map(({ className, probability }) => ({
        className,
        probability: expect.closeTo(probability, 5),
      }));
      expect(lines[path].predictions).toEqual(close);
      expect(lines[path].predictions?.map(({ className }) => className).sort()).toEqual([...classes].sort());
    }
    classifier.dispose();
    model.dispose();
  });

  test('refuses references that it must not read, and does not read them', async () => {
    const asked: string[] = [];
    onAsked = (path) => {
      asked.push(path);
      return 200;
    };
    writeFileSync(join(folder, 'secret.jpg'), readFileSync(paths[0]));
    const refused = [
      '../secret.jpg',
      join(folder, 'secret.jpg'),
      '/etc/passwd',
      `http://${host}/a.jpg`,
      'http://169.254.169.254/',
    ];
    await enqueue([...refused, paths[0]], address());
    await start({ privateHosts: [] });
    await allDone();
    const lines = byItem(resultFile());
    expect(Object.keys(lines)).toHaveLength(6);
    for (const item of refused) expect(lines[item].error?.code).toBe('REFUSED');
    expect(lines[paths[0]].predictions).toHaveLength(5);
    expect(asked).toEqual([]);
    expect(await queueStatus(address())).toEqual({ waiting: 0, active: 0, completed: 1, failed: 5 });
  });

  test('asks an unreachable server again later, only for missing images', async () => {
    let down = 2;
    const asked: string[] = [];
    onAsked = (path) => {
      asked.push(path);
      return path === '/slow.jpg' && down-- > 0 ? 503 : 200;
    };
    await enqueue([`http://${host}/slow.jpg`, `http://${host}/fine.jpg`], address());
    await start();
    await allDone();
    expect(resultFile().map(({ item, predictions }) => [item, predictions?.length])).toEqual([
      [`http://${host}/fine.jpg`, 5],
      [`http://${host}/slow.jpg`, 5],
    ]);
    expect(asked.sort()).toEqual(['/fine.jpg', '/slow.jpg', '/slow.jpg', '/slow.jpg']);
  });

  nightTest(
    'that an image ends, again and again, is survived: the image fails, all others are classified',
    async () => {
      const out = join(folder, 'results.jsonl');
      const args = [
        '--redis',
        server.url,
        '--root',
        faces,
        '--private-host',
        host,
        '--out',
        out,
        '--lock',
        '1',
        '--concurrency',
        '1',
      ];
      let process: WorkerProcess;
      let deaths = 0;
      onAsked = (path) => {
        if (path !== '/deadly.jpg') return 200;
        deaths++;
        process.end('SIGKILL').then(() => {
          process = new WorkerProcess(args);
        });
        return 0;
      };
      const deadly = `http://${host}/deadly.jpg`;
      await enqueue([...paths.slice(0, 10), deadly, ...paths.slice(10, 20)], address());
      process = new WorkerProcess(args);
      await allDone();
      expect(await process.end('SIGTERM')).toBe(0);
      const lines = resultFile();
      expect(lines).toHaveLength(21);
      expect(byItem(lines)[deadly].error).toEqual({
        code: 'WORKER',
        message: expect.stringContaining('2 workers ended'),
      });
      expect(lines.filter(({ predictions }) => predictions)).toHaveLength(20);
      // Once among others, twice alone.
      expect(deaths).toBe(3);
    },
  );

  test('puts a job of another program into the failed set once', async () => {
    const redis = server.client();
    const queue = new Queue('faces', { connection: redis });
    await queue.add('classify', { version: 9, items: ['a.jpg'] }, { attempts: 5 });
    await start();
    await expect.poll(() => queue.getFailedCount()).toBe(1);
    const [job] = await queue.getFailed();
    expect(job.failedReason).toMatch(/another program or version/);
    expect(job.attemptsMade).toBe(1);
    await queue.close();
    redis.disconnect();
  });

  test('returns its items when it is closed while its sink fails', async () => {
    await enqueueFolder(faces, address());
    const troubles: string[] = [];
    let delivered = 0;
    const worker = await start({
      sink: (results) => {
        delivered += results.length;
        if (delivered > 50) throw new Error('full');
      },
      grace: 300,
      onTrouble: ({ message }) => troubles.push(message),
    });
    await expect.poll(() => troubles.length).toBeGreaterThan(1);
    expect(troubles[0]).toBe('the sink fails: full');
    await worker.close();
    const status = await queueStatus(address());
    expect(status).toEqual({ waiting: 70, active: 0, completed: 50, failed: 0 });
    const ids = new Set<string>();
    await start({
      sink(results) {
        for (const { id } of results) ids.add(id);
      },
    });
    await allDone();
    expect(ids.size).toBe(70);
  });

  test('repeats a job that Redis, after a crash, marks as done without results', async () => {
    await enqueue(paths.slice(0, 50), address());
    const taken: string[] = [];
    let before: number;
    let crash: Promise<void> | undefined;
    await start({
      // The job would not come back by itself for a minute.
      lockDuration: 60_000,
      sink(results) {
        before ??= server.written;
        taken.push(...results.map(({ item }) => item));
      },
      // The results are recorded, that the job is done is not.
      onBatch() {
        crash ??= server.crashTo(before);
      },
    });
    await expect.poll(() => taken.length).toBe(100);
    await crash;
    await allDone();
    expect(taken.slice(50).sort()).toEqual(taken.slice(0, 50).sort());
    expect(await queueStatus(address())).toEqual({ waiting: 0, active: 0, completed: 50, failed: 0 });
  });

  test('appends each result once to a stream that loses its end in a crash of Redis', async () => {
    await enqueue(paths, address());
    const stream = redisStream('results');
    let before: number;
    let crash: Promise<void> | undefined;
    await start({
      lockDuration: 60_000,
      sink: {
        ...stream,
        async deliver(outcomes) {
          before ??= server.written;
          await stream.deliver(outcomes);
        },
      },
      onBatch() {
        crash ??= server.crashTo(before);
      },
    });
    await expect.poll(() => crash !== undefined).toBe(true);
    await crash;
    await allDone();
    const redis = server.client();
    const entries = await redis.xrange('results', '-', '+');
    redis.disconnect();
    const items = entries.map(([, fields]) => (JSON.parse(fields[3]) as ResultLine).item);
    expect(items.sort()).toEqual([...paths].sort());
  });

  test('appends to a stream', async () => {
    await enqueueFolder(faces, address());
    await start({ sink: redisStream('results'), topk: 1 });
    await allDone();
    const redis = server.client();
    const entries = await redis.xrange('results', '-', '+');
    redis.disconnect();
    const results = entries.map(([, fields]) => JSON.parse(fields[3]) as ResultLine);
    expect(results.map(({ item }) => item).sort()).toEqual([...paths].sort());
    expect(results.every(({ predictions }) => predictions?.length === 1)).toBe(true);
  });

  test('reports items by state, results, rate and latency in the text format of Prometheus', async () => {
    writeFileSync(paths[5], 'broken');
    const metrics = await createMetrics(address());
    await enqueueFolder(faces, address());
    expect(await metrics.text()).toContain('fer_queue_items{state="waiting",queue="faces"} 120');
    await start({ onBatch: metrics.observe });
    await allDone();
    const text = await metrics.text();
    await metrics.close();
    const value = (name: string) =>
      Number(
        text
          .split('\n')
          .find((line) => line.startsWith(name))
          ?.split(' ')[1],
      );
    expect(value('fer_queue_items{state="completed",')).toBe(119);
    expect(value('fer_queue_items{state="failed",')).toBe(1);
    expect(value('fer_queue_items{state="waiting",')).toBe(0);
    expect(value('fer_worker_items_total{outcome="done",')).toBe(119);
    expect(value('fer_worker_items_total{outcome="failed",')).toBe(1);
    expect(value('fer_worker_items_per_second')).toBeGreaterThan(0);
    const [p50, p95] = ['0.5', '0.95'].map((quantile) => value(`fer_worker_batch_seconds{quantile="${quantile}",`));
    expect(p50).toBeGreaterThan(0);
    expect(p95).toBeGreaterThanOrEqual(p50);
    expect(metrics.contentType).toMatch(/^text\/plain/);
  });

  test('accepts its options, and refuses others by name', async () => {
    const refused = (options: Partial<CreateWorkerOptions>) => expect(start(options)).rejects;
    await refused({ lockDuration: 1 }).toMatchObject({ code: 'OPTION' });
    await refused({ concurrency: 0 }).toMatchObject({ code: 'OPTION' });
    await refused({ queue: 'a b' }).toMatchObject({ code: 'OPTION' });
    await refused({ connection: 'localhost' }).toMatchObject({ code: 'OPTION' });
    await refused({ roots: ['nowhere'] }).toMatchObject({ code: 'NOT_FOUND' });
    await expect(enqueue([], { ...address(), batchSize: 0 })).rejects.toMatchObject({ code: 'OPTION' });
    await expect(enqueue([], { ...address(), maxWaiting: 1 })).rejects.toMatchObject({ code: 'OPTION' });
    await expect(enqueueFolder('nowhere', address())).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(enqueue(['a.jpg'], { ...address(), signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORTED',
    });
    await expect(queueStatus({ connection: 'redis://127.0.0.1:1' })).rejects.toMatchObject({ code: 'UNREACHABLE' });
  });

  test('enqueuing waits while too many images wait', async () => {
    let most = 0;
    const enqueuing = enqueue(paths, { ...address(), batchSize: 10, maxWaiting: 30 });
    const look = setInterval(async () => {
      const { waiting, active } = await queueStatus(address()).catch(() => ({ waiting: 0, active: 0 }));
      most = Math.max(most, waiting + active);
    }, 50);
    await expect.poll(() => most).toBe(30);
    await start();
    expect(await enqueuing).toEqual({ items: 120, fresh: 120, refused: 0 });
    clearInterval(look);
    await allDone();
    expect(most).toBe(30);
    expect(resultFile()).toHaveLength(120);
  });
});

describe.skipIf(!built || !hasRedis())('on the command line', () => {
  const cli = (...args: string[]) => runNode(['dist/node/cli.js', ...args], '.');

  beforeAll(async () => {
    server = await RedisServer.start();
    folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-worker-'));
    faces = join(folder, 'faces');
    paths = await writeSmallImages(faces, 60);
    writeFileSync(paths[7], 'broken');
  });
  afterAll(async () => {
    await server.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  test('enqueue, queue status and worker do all of it', async () => {
    const redis = ['--redis', server.url];
    const first = await cli('enqueue', faces, ...redis);
    expect(first).toMatchObject({ code: 0, stdout: '60 images, 60 of them new to the queue faces\n' });
    const status = await cli('queue', 'status', ...redis, '--json');
    expect(JSON.parse(status.stdout)).toEqual({ waiting: 60, active: 0, completed: 0, failed: 0 });
    const out = join(folder, 'out.jsonl');
    const run = await cli('worker', ...redis, '--root', faces, '--out', out, '--until-done', '--quiet');
    expect(run).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(readResults([out])).toHaveLength(60);
    expect((await cli('enqueue', faces, ...redis)).stdout).toBe('60 images, 0 of them new to the queue faces\n');
    const after = await cli('queue', 'status', ...redis);
    expect(after.stdout).toBe('waiting    0\nactive     0\ncompleted  59\nfailed     1\n');
  });

  nightTest('worker --faces writes one line per image with the list of its faces', async () => {
    const photos = join(folder, 'photos');
    mkdirSync(photos);
    for (const width of [400, 440, 480]) {
      await sharp('node_modules/@vladmandic/face-api/demo/sample1.jpg')
        .resize(width)
        .toFile(join(photos, `${width}.jpg`));
    }
    const queue = ['--redis', server.url, '--queue', 'photos'];
    await cli('enqueue', photos, ...queue);
    const out = join(folder, 'photos.jsonl');
    const run = await cli('worker', ...queue, '--root', photos, '--out', out, '--faces', '--topk', '1', '--until-done');
    expect(run.code).toBe(0);
    const lines = readResults([out]);
    expect(lines.map(({ faces }) => faces?.map(({ predictions }) => predictions.length))).toEqual(
      Array(3).fill([1, 1, 1]),
    );
    // Lines of a file that is continued are known.
    const again = await cli('worker', ...queue, '--root', photos, '--out', out, '--faces', '--until-done', '--quiet');
    expect(again).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(readResults([out])).toEqual(lines);
  });

  test('--metrics-port serves the metrics to this machine', async () => {
    const out = join(folder, 'out.jsonl');
    const worker = new WorkerProcess(['--redis', server.url, '--root', faces, '--out', out, '--metrics-port', '0']);
    await expect.poll(() => worker.stderr).toContain('metrics at http://127.0.0.1:');
    const response = await fetch(/http:\S+/.exec(worker.stderr)![0]);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(await response.text()).toContain('fer_queue_items{state="completed",queue="faces"} 59');
    expect(await worker.end('SIGTERM')).toBe(0);
  });

  const mistakes: [string[], RegExp][] = [
    [['worker'], /--out <file>, or --stream.*\[OPTION\]/],
    [['queue', 'status', '--redis', 'redis://127.0.0.1:1'], /is redis-server running there.*\[UNREACHABLE\]/],
    [['worker', '--lock', '0', '--out', 'a'], /whole number from 1/],
    [['enqueue', 'nowhere'], /nowhere.*\[NOT_FOUND\]/],
    [['queue', 'status', '--redis', 'http://localhost'], /redis:\/\/host:6379.*\[OPTION\]/],
    [['queue', 'stats'], /unknown command/],
  ];
  test.each(rows(mistakes, 2))('%j ends with 2', async (args, message) => {
    const run = await cli(...args);
    expect(run.stderr).toMatch(message);
    expect(run.code).toBe(2);
    expect(run.stdout).toBe('');
  });
});
