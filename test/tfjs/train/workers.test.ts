import { existsSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { buildModel, type PixelImage, type Sample, type TrainOptions, train, useBackend } from '../../../src/index.js';
import { runtime } from '../../../src/platform/node/runtime.js';
import type { CheckpointStore, Thread } from '../../../src/runtime.js';
import { randomStream } from '../../../src/tfjs/train/random.js';
import { NIGHT, rows } from '../../night.js';

const built = existsSync('dist/node/gradient-worker.cjs');
if (!built) console.warn('\n  !! SKIPPED: train with workers runs the built worker; `npm run build` first.\n');

function faces(count: number): Sample[] {
  const random = randomStream(9);
  return Array.from({ length: count }, (_, i) => {
    const data = Uint8Array.from(
      { length: 48 * 48 },
      (_, k) => 80 * random() + (Math.floor(k / 480) === i % 5 ? 150 : 0),
    );
    return { image: { data, width: 48, height: 48, channels: 1 } as PixelImage, label: i % 5 };
  });
}

const options: TrainOptions = { epochs: 2, batchSize: 10, seed: 3, augment: { flip: true, rotation: 10 }, ema: 0.9 };

describe.skipIf(!built)('train with workers', () => {
  beforeAll(() => useBackend('wasm'));

  test('gives the same for the same seed and number of workers, also when it continues from its checkpoint', async () => {
    const run = async (own: TrainOptions = {}) => {
      const model = buildModel({ seed: 1 });
      const { history } = await train(model, faces(25), { ...options, workers: 2, ...own });
      return { history, weights: weightsOf(model) };
    };
    const whole = await run();
    const stopped = { checkpoint: storeInMemory(), resume: true };
    await run({ ...stopped, epochs: 1 });
    expect(await run(stopped)).toEqual(whole);
    // By day, the run that continued has shown that saving checkpoints changes nothing.
    if (NIGHT) expect(await run({ checkpoint: storeInMemory() })).toEqual(whole);
  });

  test('without dropout, gives the same as one thread, up to the order of additions', async () => {
    const run = async (workers: number) => {
      const model = buildModel({ seed: 1, dropout: 0 });
      return (await train(model, faces(25), { ...options, workers, classWeights: [1, 2, 1, 1, 0.5] })).history.loss;
    };
    const alone = await run(1);
    for (const workers of rows([2, 3], 1)) {
      for (const [i, loss] of (await run(workers)).entries()) expect(loss).toBeCloseTo(alone[i], 4);
    }
  });

  test('with fixed views, each with its own label, gives the same as one thread', async () => {
    const views = Array.from({ length: 2 }, (_, view) => [0, 1, 2, 3, 4].map((c) => (c === view ? 0.6 : 0.1)));
    const samples = faces(25).map((face) => ({ ...face, viewLabels: views }));
    const run = async (workers: number) => {
      const model = buildModel({ seed: 1, dropout: 0 });
      return (await train(model, samples, { ...options, epochs: 3, workers })).history.loss;
    };
    const alone = await run(1);
    for (const [i, loss] of (await run(2)).entries()) expect(loss).toBeCloseTo(alone[i], 4);
  });

  test('moves decayed, averaged and untrained weights as one thread does', async () => {
    const run = async (workers: number) => {
      const model = sequential({
        layers: [
          layers.conv2d({ inputShape: [32, 32, 1], filters: 3, kernelSize: 3, strides: 2, useBias: false }),
          layers.batchNormalization({ momentum: 0.5 }),
          layers.flatten(),
          layers.dense({ units: 5, activation: 'softmax' }),
        ],
      });
      model.setWeights(model.getWeights().map(({ shape }, i) => tf.randomUniform(shape, 0.1, 0.5, 'float32', i)));
      // Every part of a batch is the same sample: so is what batch normalisation sees of it.
      const face = faces(1)[0];
      const data = Array<Sample>(16).fill(face);
      await train(model, data, { ...options, augment: undefined, batchSize: 8, weightDecay: 0.1, workers });
      return model.getWeights().flatMap((weight) => Array.from(weight.dataSync()));
    };
    const [alone, shared] = [await run(1), await run(3)];
    expect(shared).toHaveLength(alone.length);
    // TF.js corrects the variance by n / (n - 1), and a part has fewer pixels than the batch.
    for (const [i, value] of shared.entries()) expect(value).toBeCloseTo(alone[i], 3);
  });

  test('works when a batch has fewer samples than there are threads', async () => {
    const { history } = await train(buildModel({ seed: 1 }), faces(3), { ...options, batchSize: 1, workers: 2 });
    expect(history.loss).toHaveLength(2);
  });

  test('reports WORKER when a thread ends by itself', async () => {
    const start = runtime.startGradientWorker;
    const threads: Thread[] = [];
    const spy = vi.spyOn(runtime, 'startGradientWorker').mockImplementation(() => {
      threads.push(start());
      return threads.at(-1)!;
    });
    const broken = train(buildModel({ seed: 1 }), faces(25), {
      ...options,
      workers: 2,
      callbacks: { onBatchEnd: () => threads[0].end() },
    });
    await expect(broken).rejects.toMatchObject({ code: 'WORKER' });
    spy.mockRestore();
  });

  test('stops when aborted, and ends its threads', async () => {
    const stop = new AbortController();
    const aborted = train(buildModel({ seed: 1 }), faces(25), {
      ...options,
      workers: 2,
      signal: stop.signal,
      callbacks: { onBatchEnd: () => stop.abort() },
    });
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

function storeInMemory(): CheckpointStore {
  let kept: Uint8Array | null = null;
  return {
    async save(bytes) {
      kept = bytes.slice();
    },
    load: async () => kept,
  };
}

function weightsOf(model: LayersModel): number[][] {
  return model.getWeights().map((weight) => Array.from(weight.dataSync()));
}
