import { existsSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { FerError } from '../../../src/errors.js';
import { type TrainOptions, useBackend } from '../../../src/index.js';
import { runtime } from '../../../src/platform/node/runtime.js';
import type { Thread } from '../../../src/runtime.js';
import { currentBackend } from '../../../src/tfjs/backends/current-backend.js';
import { toFiles } from '../../../src/tfjs/model/artifacts.js';
import type { WorkerAnswer, WorkerStart } from '../../../src/tfjs/train/gradient-worker.js';
import { startGradientWorkers } from '../../../src/tfjs/train/gradient-workers.js';
import { randomStream } from '../../../src/tfjs/train/random.js';
import { trainSettings } from '../../../src/tfjs/train/train-options.js';
import { readTrainingData } from '../../../src/tfjs/train/training-data.js';
import { TrainingRun } from '../../../src/tfjs/train/training-run.js';
import { stepsHere } from '../../../src/tfjs/train/training-steps.js';

beforeAll(() => useBackend('cpu'));
afterEach(() => void vi.restoreAllMocks());

const built = existsSync('dist/node/gradient-worker.cjs');
if (!built) console.warn('\n  !! SKIPPED: train with workers runs the built worker; `npm run build` first.\n');

/** Of stripes of 20 pixels, three classes. */
function network({ normalized = false } = {}): LayersModel {
  const model = sequential({
    layers: [
      ...(normalized ? [layers.batchNormalization({ inputShape: [1, 20, 1] })] : []),
      layers.flatten({ inputShape: [1, 20, 1] }),
      layers.dense({ units: 3, activation: 'softmax' }),
    ],
  });
  const kernel = tf.randomUniform([20, 3], -0.5, 0.5, 'float32', 1);
  model.setWeights(model.getWeights().map((weight) => (weight.rank === 2 ? kernel : weight)));
  return model;
}

const options: TrainOptions = {
  ...{ seed: 3, ema: 0.9, weightDecay: 0.1, classWeights: [1, 2, 0.5] },
  augment: { flip: true, contrast: 0.3 },
};

/** A training on 12 samples. */
async function runOf(model: LayersModel, more: TrainOptions = {}): Promise<TrainingRun> {
  const settings = trainSettings(model, { ...options, ...more });
  const { spec, normalization } = settings;
  const random = randomStream(4);
  const samples = Array.from({ length: 12 }, (_, i) => ({
    image: { data: Uint8Array.from({ length: 20 }, () => 255 * random()), width: 20, height: 1, channels: 1 as const },
    label: i % 3,
  }));
  const training = await readTrainingData(samples, { spec, normalization, augmentation: settings.augment });
  return new TrainingRun(model, settings, training);
}

/** Threads that are none: `answer` says what each tells when it is started; `most` start at all. */
function fakeThreads(answer: (thread: number, tell: FakeThread) => void, most = 9) {
  const threads: FakeThread[] = [];
  vi.spyOn(runtime, 'startGradientWorker').mockImplementation(() => {
    if (threads.length === most) throw new FerError('OPTION', 'no more threads');
    const thread = { message: (_: WorkerAnswer) => {}, ended: (_: string) => {}, posted: [], ends: 0 } as FakeThread;
    threads.push(thread);
    return {
      listen(onMessage, onEnd) {
        thread.message = onMessage as FakeThread['message'];
        thread.ended = onEnd;
      },
      post(start: WorkerStart) {
        thread.posted.push(start);
        answer(start.thread, thread);
      },
      end() {
        thread.ends++;
      },
    } as Thread;
  });
  return threads;
}

interface FakeThread {
  message(answer: WorkerAnswer): void;
  ended(reason: string): void;
  posted: WorkerStart[];
  ends: number;
}

const ready = (_: number, { message }: FakeThread) => message({ kind: 'ready' });

describe('workers are started', () => {
  test('with everything that a thread needs, in shared memory', async () => {
    const threads = fakeThreads(ready);
    const run = await runOf(network({ normalized: true }));
    const { model, training } = run.source;
    const steps = await startGradientWorkers(3, run, 5, await currentBackend());
    expect(threads.map(({ posted }) => posted.map(({ thread }) => thread))).toEqual([[1], [2]]);
    const { memory, stored, ...rest } = threads[0].posted[0];
    expect(rest).toEqual({
      ...{ thread: 1, files: toFiles(model), options: training.options, seed: 3, backend: 'cpu' },
      weightOfClass: Float32Array.of(1, 2, 0.5),
      layout: {
        ...{ threads: 3, samples: 12, batchSize: 5, inputSize: 20, averaged: true },
        // Scale and shift of the normalisation, kernel, bias; its moving mean and variance.
        ...{ trainable: [1, 1, 60, 3], decaying: [false, false, true, false], moving: [1, 1] },
      },
    });
    expect(memory.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(stored).toEqual(training.stored);
    for (const array of Object.values(stored)) expect(array.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(threads[1].posted[0].memory).toBe(memory);
    expect(threads[1].posted[0].stored).toBe(stored);

    expect(threads.map(({ ends }) => ends)).toEqual([0, 0]);
    steps.dispose();
    expect(threads.map(({ ends }) => ends)).toEqual([1, 1]);
  });

  test('without averages if none are kept, and with no more rows per batch than samples', async () => {
    const threads = fakeThreads(ready);
    await startGradientWorkers(2, await runOf(network(), { ema: undefined }), 50, await currentBackend());
    expect(threads[0].posted[0].layout).toMatchObject({ averaged: false, batchSize: 12, moving: [] });
  });
});

describe('all workers are ended, and the reason is reported', () => {
  const start = async () => startGradientWorkers(3, await runOf(network()), 5, await currentBackend());

  test.each<[string, (tell: FakeThread) => void, object]>([
    [
      'fails as it starts',
      ({ message }) => message({ kind: 'failed', reason: 'no memory' }),
      { code: 'MODEL', message: 'a training worker failed: no memory' },
    ],
    [
      'ends as it starts',
      ({ ended }) => ended('exit code 1'),
      { code: 'WORKER', message: 'a training worker has ended: exit code 1' },
    ],
    [
      'fails and then ends',
      ({ message, ended }) => {
        message({ kind: 'failed', reason: 'no memory' });
        ended('exit code 1');
      },
      { code: 'MODEL', message: 'a training worker failed: no memory' },
    ],
  ])('when one %s', async (_, tell, error) => {
    const threads = fakeThreads((thread, it) => (thread === 2 ? tell(it) : ready(thread, it)));
    await expect(start()).rejects.toMatchObject(error);
    expect(threads.map(({ ends }) => ends)).toEqual([1, 1]);
  });

  test('of the one that failed first', async () => {
    fakeThreads((thread, { message }) => message({ kind: 'failed', reason: `thread ${thread}` }));
    await expect(start()).rejects.toMatchObject({ message: 'a training worker failed: thread 1' });
  });

  test('when a later one does not start', async () => {
    const threads = fakeThreads(ready, 1);
    await expect(start()).rejects.toMatchObject({ code: 'OPTION', message: 'no more threads' });
    expect(threads.map(({ ends }) => ends)).toEqual([1]);
  });

  test('when the engine lacks what the kernels need', async () => {
    const threads = fakeThreads(ready);
    const cause = new Error('no SIMD here');
    vi.spyOn(WebAssembly, 'compile').mockRejectedValue(cause);
    await expect(start()).rejects.toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
      message: 'workers need WebAssembly with SIMD and threads: no SIMD here',
      cause,
    });
    expect(threads.map(({ ends }) => ends)).toEqual([1, 1]);
  });

  test('when one ends during a step that waits for it', async () => {
    const threads = fakeThreads(ready);
    const steps = await start();
    await steps.beginEpoch(
      1,
      Uint32Array.from({ length: 12 }, (_, i) => i),
    );
    let told = false;
    setTimeout(() => {
      told = true;
      threads[1].ended('exit code 7');
    }, 120);
    await expect(steps.take(0, 5, 0.1)).rejects.toMatchObject({
      code: 'WORKER',
      message: 'a training worker has ended: exit code 7',
    });
    expect(told).toBe(true);
  });
});

describe.skipIf(!built)('workers', () => {
  test('take the steps of a training as one thread does', async () => {
    const backend = await currentBackend();
    const [alone, run] = [await runOf(network()), await runOf(network())];
    const here = stepsHere(alone, backend);
    const steps = await startGradientWorkers(3, run, 5, backend);
    const before = tf.memory().numTensors;
    for (const epoch of [1, 2]) {
      const order = Uint32Array.from({ length: 12 }, (_, i) => (5 * i + epoch) % 12);
      await here.beginEpoch(epoch, order);
      await steps.beginEpoch(epoch, order);
      for (const [first, rows] of [
        [0, 5],
        [5, 5],
        [10, 2],
      ]) {
        const expected = await here.take(first, rows, 0.05);
        const { loss, right } = await steps.take(first, rows, 0.05);
        expect(loss).toBeCloseTo(expected.loss, 5);
        expect(right).toBe(expected.right);
        expect(run.steps).toBe(alone.steps);
      }
      await here.endEpoch();
      await steps.endEpoch();
      for (const part of ['weights', 'means', 'squares', 'averages'] as const) {
        const [actual, expected] = [run, alone].map(({ moved }) => moved[part].flatMap((each) => [...each.dataSync()]));
        expect(actual).toHaveLength(63);
        for (const [i, value] of actual.entries()) expect(value, `${part} ${i}`).toBeCloseTo(expected[i], 5);
      }
    }
    expect(tf.memory().numTensors).toBe(before);
    steps.dispose();
  });
});
