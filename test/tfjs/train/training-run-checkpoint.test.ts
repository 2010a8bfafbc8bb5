import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, test } from 'vitest';
import { type TrainOptions, useBackend } from '../../../src/index.js';
import { checkpointFolder } from '../../../src/platform/node/checkpoint-folder.js';
import type { CheckpointStore } from '../../../src/runtime.js';
import { decodeCheckpoint, encodeCheckpoint } from '../../../src/tfjs/train/checkpoint.js';
import { trainSettings } from '../../../src/tfjs/train/train-options.js';
import { readTrainingData } from '../../../src/tfjs/train/training-data.js';
import { TrainingRun } from '../../../src/tfjs/train/training-run.js';

beforeAll(() => useBackend('cpu'));

/** Of pictures of two pixels, side by side, with weights of `k` and -`k`. */
function classifier(k = 1): LayersModel {
  const model = sequential({
    layers: [layers.flatten({ inputShape: [1, 2, 1] }), layers.dense({ units: 2, activation: 'softmax' })],
  });
  const kernel = tf.tensor2d([
    [k, -k],
    [-k, k],
  ]);
  model.setWeights([kernel, tf.zeros([2])]);
  return model;
}

const weightsOf = (model: LayersModel) => model.getWeights().flatMap((weight) => Array.from(weight.dataSync()));
const sure = (k: number) => [k, -k, -k, k, 0, 0];

/** A training on four samples. */
async function started(options: TrainOptions, { model = classifier() } = {}) {
  const settings = trainSettings(model, options);
  const { spec, normalization } = settings;
  const picture = { image: { data: Uint8Array.of(255, 0), width: 2, height: 1, channels: 1 as const }, label: 0 };
  const training = await readTrainingData(Array(4).fill(picture), { spec, normalization, augmentation: null });
  return { model, run: new TrainingRun(model, settings, training) };
}

/** The same gradient for every weight. */
function gradients(run: TrainingRun, value: number): tf.NamedTensorMap {
  return Object.fromEntries(run.source.variables.map(({ name, shape }) => [name, tf.fill(shape, value)]));
}

const figures = (loss: number) => ({ loss, accuracy: 0.5, learningRate: 0.01 });

function inMemory(bytes: Uint8Array | null = null): CheckpointStore & { bytes: Uint8Array | null } {
  return {
    bytes,
    async save(saved) {
      this.bytes = saved;
    },
    async load() {
      return this.bytes;
    },
  };
}

describe('a checkpoint of a run', () => {
  const options: TrainOptions = { ema: 0.9, seed: 7 };

  /** A store with a checkpoint after an epoch of one step, and the run that made it. */
  async function saved(more: TrainOptions = {}) {
    const checkpoint = inMemory();
    const { run } = await started({ ...options, ...more, checkpoint });
    run.apply(gradients(run, 0.5), 0.1);
    await run.endEpoch(figures(0.8), undefined);
    return { checkpoint, run };
  }

  const valuesOf = (variables: readonly tf.Variable[]) => variables.map((each) => each.dataSync() as Float32Array);

  test('holds the weights as trained, moments, averages and the best weights, in this order', async () => {
    const { checkpoint, run } = await saved();
    const { state, arrays } = decodeCheckpoint(checkpoint.bytes!);
    const { weights, means, squares, averages } = run.moved;
    expect(arrays).toEqual([weights, means, squares, averages, averages].flatMap(valuesOf));
    expect(state).toMatchObject({ epoch: 1, steps: 1, bestEpoch: 1, history: { loss: [0.8], valLoss: [] } });
  });

  test('brings all back', async () => {
    const { checkpoint, run } = await saved();
    const { model, run: resumed } = await started({ ...options, checkpoint }, { model: classifier(5) });
    await resumed.restore();
    expect([resumed.epoch, resumed.steps]).toEqual([1, 1]);
    for (const part of ['weights', 'means', 'squares', 'averages'] as const) {
      expect(valuesOf(resumed.moved[part])).toEqual(valuesOf(run.moved[part]));
    }
    expect(resumed.finish()).toEqual(run.finish());
    for (const [i, weight] of weightsOf(model).entries()) expect(weight).toBeCloseTo(sure(1)[i] - 0.9 / 11, 5);
  });

  test('without one, the training starts from the beginning', async () => {
    const { model, run } = await started({ ...options, checkpoint: inMemory() });
    await run.restore();
    expect([run.epoch, run.steps]).toEqual([0, 0]);
    expect(weightsOf(model)).toEqual(sure(1));
  });

  test('says which settings it was made with when they are others', async () => {
    const { checkpoint } = await saved();
    const { run } = await started({ ...options, seed: 8, checkpoint });
    await expect(run.restore()).rejects.toMatchObject({
      code: 'CHECKPOINT',
      message: `the checkpoint was made with other settings: {"seed":7}, not {"seed":8}`,
    });
  });

  test('does not mind more epochs, and another schedule', async () => {
    const { checkpoint } = await saved();
    const { run } = await started({ ...options, epochs: 99, schedule: () => 0.5, checkpoint });
    await run.restore();
    expect(run.epoch).toBe(1);
  });

  interface Parts {
    state: Record<string, unknown> | null;
    arrays: Float32Array[];
  }

  /** What a restore says of a checkpoint of which parts were replaced. */
  async function said(change: (parts: Parts & { state: object }) => Partial<Parts>): Promise<string> {
    const { checkpoint } = await saved();
    const parts = decodeCheckpoint(checkpoint.bytes!);
    const bytes = encodeCheckpoint({ ...parts, ...change(parts) } as typeof parts);
    const { run } = await started({ ...options, checkpoint: inMemory(bytes) });
    return run.restore().then(
      () => `restored epoch ${run.epoch}`,
      (error) => `${error.code}: ${error.message}`,
    );
  }

  test('that is unchanged is restored, and one that was saved before there was a best epoch', async () => {
    expect(await said(() => ({}))).toBe('restored epoch 1');
    const young = await said(({ state, arrays }) => ({
      state: { ...state, epoch: 0, steps: 0, bestEpoch: 0 },
      arrays: arrays.slice(0, 8),
    }));
    expect(young).toBe('restored epoch 0');
  });

  test.each([
    ...['epoch', 'steps', 'bestEpoch'].flatMap((name) => [-1, 0.5, '1', undefined].map((count) => ({ [name]: count }))),
    // Still to come.
    { bestEpoch: 2 },
    { history: null },
    { history: 'long' },
  ])('is refused with a state of %o', async (change) => {
    expect(await said(({ state }) => ({ state: { ...state, ...change } }))).toBe(
      'CHECKPOINT: the checkpoint lacks the state of a training',
    );
  });

  test.each(['loss', 'accuracy', 'learningRate', 'valLoss', 'valAccuracy', 'valMacroRecall'])(
    'is refused with a history without %s',
    async (figure) => {
      const answer = await said(({ state }) => {
        const { history } = state as { history: object };
        return { state: { ...state, history: { ...history, [figure]: undefined } } };
      });
      expect(answer).toBe('CHECKPOINT: the checkpoint lacks the state of a training');
    },
  );

  test.each([
    ['no best epoch, of one that is done', { bestEpoch: 0, history: {} }, 8],
    ['text as a figure', { history: { loss: ['0.8'] } }, 10],
    ['no number as a figure', { history: { loss: [null] } }, 10],
    ['no figure for an epoch', { history: { loss: [] } }, 10],
    [
      'figures of validation that are too few',
      { epoch: 2, history: { loss: [1, 1], accuracy: [1, 1], learningRate: [1, 1], valLoss: [1] } },
      10,
    ],
  ])('is refused with %s', async (_, change, count) => {
    const answer = await said(({ state, arrays }) => {
      const { history } = state as { history: object };
      return {
        state: { ...state, ...change, history: { ...history, ...change.history } },
        arrays: arrays.slice(0, count),
      };
    });
    expect(answer).toBe('CHECKPOINT: the checkpoint lacks the state of a training');
  });

  test('is asked for with the most bytes that it may have; a file of more is refused unread', async () => {
    const { checkpoint } = await saved();
    let most: number | undefined;
    const asked: CheckpointStore = {
      ...checkpoint,
      async load(bytes) {
        most = bytes;
        return checkpoint.bytes;
      },
    };
    const { run } = await started({ ...options, checkpoint: asked });
    await run.restore();
    expect(most).toBeGreaterThanOrEqual(checkpoint.bytes!.length);
    expect(most).toBeLessThan(128e6);
    const folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-checkpoint-'));
    try {
      writeFileSync(join(folder, 'checkpoint.bin'), checkpoint.bytes!.subarray(0, 8));
      truncateSync(join(folder, 'checkpoint.bin'), 1.9e9);
      const { run: other } = await started({ ...options, checkpoint: checkpointFolder(folder) });
      const before = process.memoryUsage().arrayBuffers;
      await expect(other.restore()).rejects.toMatchObject({
        code: 'CHECKPOINT',
        message: expect.stringContaining('1900000000 bytes'),
      });
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1e6);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('is refused when its state is nothing at all', async () => {
    expect(await said(() => ({ state: null }))).toMatch(
      /^CHECKPOINT: the checkpoint was made with other settings: undefined, not \{/,
    );
  });

  // Two arrays each: weights, means, squares, averages, best weights.
  test.each<[string, (parts: Parts) => Partial<Parts>]>([
    ['a best weight too many', ({ arrays }) => ({ arrays: [...arrays, new Float32Array(2)] })],
    ['a best weight too few', ({ arrays }) => ({ arrays: arrays.slice(0, 9) })],
    ['best weights, but no best epoch', ({ state }) => ({ state: { ...state, bestEpoch: 0 } })],
    ['a best weight of another size', ({ arrays }) => ({ arrays: arrays.with(9, new Float32Array(3)) })],
    ['a weight of another size', ({ arrays }) => ({ arrays: arrays.with(0, new Float32Array(5)) })],
    ['an average of another size', ({ arrays }) => ({ arrays: arrays.with(7, new Float32Array(3)) })],
    ['no averages', ({ state, arrays }) => ({ state: { ...state, bestEpoch: 0 }, arrays: arrays.slice(0, 6) })],
  ])('is refused with %s', async (_, change) => {
    expect(await said(change)).toBe('CHECKPOINT: the checkpoint belongs to a model of another shape');
  });
});
