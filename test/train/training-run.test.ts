import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, test } from 'vitest';
import { type TrainOptions, useBackend } from '../../src/index.js';
import { type CheckpointStore, decodeCheckpoint, encodeCheckpoint } from '../../src/train/checkpoint.js';
import type { EpochFigures } from '../../src/train/train-history.js';
import { type TrainSettings, trainSettings } from '../../src/train/train-options.js';
import { readTrainingData } from '../../src/train/training-data.js';
import { TrainingRun } from '../../src/train/training-run.js';

beforeAll(() => useBackend('cpu'));

/** Of pictures of two pixels, side by side: which one is bright? The larger `k`, the surer; below 0 it is wrong. */
function classifier(k = 1): LayersModel {
  const model = sequential({
    layers: [layers.flatten({ inputShape: [1, 2, 1] }), layers.dense({ units: 2, activation: 'softmax' })],
  });
  setSureness(model, k);
  return model;
}

function setSureness(model: LayersModel, k: number): void {
  model.setWeights([
    tf.tensor2d([
      [k, -k],
      [-k, k],
    ]),
    tf.tensor1d([0, 0]),
  ]);
}

const weightsOf = (model: LayersModel) => model.getWeights().flatMap((weight) => Array.from(weight.dataSync()));
const sure = (k: number) => [k, -k, -k, k, 0, 0];

const left = { image: { data: Uint8Array.of(255, 0), width: 2, height: 1, channels: 1 as const }, label: 0 };
const right = { image: { data: Uint8Array.of(0, 255), width: 2, height: 1, channels: 1 as const }, label: 1 };
const validation = { inputs: Float32Array.of(1, 0, 0, 1), labels: Float32Array.of(1, 0, 0, 1), count: 2 };

async function started(
  options: TrainOptions & Partial<Pick<TrainSettings, 'monitor'>> = {},
  { model = classifier(), data = [left, left, left, right] } = {},
) {
  const settings = { ...trainSettings(model, { ...options, monitor: undefined }), monitor: options.monitor ?? 'loss' };
  const { spec, normalization } = settings;
  const training = await readTrainingData(data, { spec, normalization, augmentation: null });
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

describe('a training run', () => {
  test('refuses a model without trainable weights', async () => {
    const model = classifier();
    for (const layer of model.layers) layer.trainable = false;
    await expect(started({}, { model })).rejects.toMatchObject({
      code: 'MODEL',
      message: 'the model has no trainable weights',
    });
  });

  test('weighs classes as told, or so that each counts as much; one without samples counts nothing', async () => {
    expect((await started()).run.source.weightOfClass).toBeNull();
    expect((await started({ classWeights: [0.5, 3] })).run.source.weightOfClass).toEqual(Float32Array.of(0.5, 3));
    // Three of one, one of the other: 4 / (2 * 3) and 4 / (2 * 1).
    expect((await started({ classWeights: 'balanced' })).run.source.weightOfClass).toEqual(Float32Array.of(2 / 3, 2));
    const { run } = await started({ classWeights: 'balanced' }, { data: [right, right] });
    expect(run.source.weightOfClass).toEqual(Float32Array.of(0, 0.5));
  });

  test('moves the weights by Adam, and keeps both moments', async () => {
    const { model, run } = await started();
    expect(run.steps).toBe(0);
    run.apply(gradients(run, 0.5), 0.1);
    expect(run.steps).toBe(1);
    // The first step of Adam is the learning rate against the gradient's sign.
    for (const [i, weight] of weightsOf(model).entries()) expect(weight).toBeCloseTo(sure(1)[i] - 0.1, 5);
    const { weights, means, squares, averages } = run.moved;
    expect(weights.map(({ shape }) => shape)).toEqual([[2, 2], [2]]);
    for (const mean of means.flatMap((each) => Array.from(each.dataSync()))) expect(mean).toBeCloseTo(0.05, 7);
    for (const square of squares.flatMap((each) => Array.from(each.dataSync()))) expect(square).toBeCloseTo(25e-5, 7);
    expect([means.length, squares.length, averages.length]).toEqual([2, 2, 0]);
  });

  test.each([
    // The average of few steps is their mean: decays of 2/11 and 3/12, until the one asked for is less.
    { ema: 0.9, first: 2 / 11, second: 3 / 12 },
    { ema: 0.1, first: 0.1, second: 0.1 },
  ])('averages the weights with a decay of $ema at most', async ({ ema, first, second }) => {
    const { run } = await started({ ema });
    const bias = run.moved.averages[1];
    expect(run.moved.averages.map(({ trainable }) => trainable)).toEqual([false, false]);
    run.apply(gradients(run, 0.5), 0.1);
    expect(bias.dataSync()[0]).toBeCloseTo(-0.1 * (1 - first), 5);
    run.apply(gradients(run, 0.5), 0.1);
    expect(bias.dataSync()[0]).toBeCloseTo(-0.1 * (1 - first) * second - 0.2 * (1 - second), 5);
  });

  test('counts steps that are taken elsewhere, and gives their numbers', async () => {
    const { run } = await started({ ema: 0.9, weightDecay: 0.1 });
    const { meanScale, squareScale, ...rest } = run.nextStep(0.5);
    expect(rest).toEqual({
      ...{ learningRate: 0.5, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, decay: 0.95, averageDecay: 2 / 11 },
    });
    expect(meanScale).toBeCloseTo(10, 9);
    expect(squareScale).toBeCloseTo(1000, 6);
    expect(run.steps).toBe(1);
    expect((await started()).run.nextStep(0.5).averageDecay).toBe(0);
  });

  test('leaves no tensor behind', async () => {
    const model = classifier();
    const before = tf.memory().numTensors;
    const { run } = await started({ ema: 0.9 }, { model });
    run.apply(gradients(run, 0.5), 0.1);
    await run.endEpoch(figures(1), validation);
    run.finish();
    run.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('the end of an epoch', () => {
  test('without validation the last epoch is the best, and only its own figures are kept', async () => {
    const { model, run } = await started();
    await run.endEpoch(figures(0.5), undefined);
    setSureness(model, 2);
    await run.endEpoch(figures(0.7), undefined);
    setSureness(model, 3);
    expect(run.finish()).toStrictEqual({
      history: {
        ...{ loss: [0.5, 0.7], accuracy: [0.5, 0.5], learningRate: [0.01, 0.01] },
        ...{ valLoss: [], valAccuracy: [], valMacroRecall: [] },
      },
      best: { epoch: 2, ...figures(0.7) },
      stoppedAt: 2,
    });
    expect(weightsOf(model)).toEqual(sure(2));
  });

  test.each([
    // Losses of training as they are given; of validation by ln(1 + exp(-2 k)), the least where k is most.
    { monitor: 'loss', best: 1 },
    { monitor: 'valLoss', best: 3 },
    { monitor: 'valAccuracy', best: 2 },
    { monitor: 'valMacroRecall', best: 2 },
  ] as const)('the best epoch by $monitor is kept, the first of equals', async ({ monitor, best }) => {
    const { model, run } = await started({ monitor });
    for (const [epoch, k] of [-1, 1, 2, 1].entries()) {
      setSureness(model, k);
      await run.endEpoch(figures(0.1 * (1 + epoch)), validation);
    }
    setSureness(model, 9);
    const result = run.finish();
    const losses = [-1, 1, 2, 1].map((k) => Math.log(1 + Math.exp(-2 * k)));
    expect(result.best.epoch).toBe(best);
    expect(result.best.valLoss).toBeCloseTo(losses[best - 1], 5);
    expect(result.stoppedAt).toBe(4);
    expect(weightsOf(model)).toEqual(sure([-1, 1, 2, 1][best - 1]));
    expect(result.history.valAccuracy).toEqual([0, 1, 1, 1]);
    expect(result.history.valMacroRecall).toEqual([0, 1, 1, 1]);
    for (const [i, loss] of result.history.valLoss.entries()) expect(loss).toBeCloseTo(losses[i], 5);
  });

  test('a first epoch is the best so far, even when its figure is no number', async () => {
    const { model, run } = await started();
    await run.endEpoch(figures(Number.NaN), validation);
    setSureness(model, 2);
    expect(run.finish().best.epoch).toBe(1);
    expect(weightsOf(model)).toEqual(sure(1));
  });

  test('averages are what is validated and kept; the training goes on from the weights as they were', async () => {
    const { model, run } = await started({ ema: 0.9, monitor: 'valLoss' }, { model: classifier(2) });
    setSureness(model, -1);
    const seen: EpochFigures = figures(1);
    await run.endEpoch(seen, validation);
    expect(seen.valAccuracy).toBe(1);
    expect(weightsOf(model)).toEqual(sure(-1));
    run.finish();
    expect(weightsOf(model)).toEqual(sure(2));
  });

  test('an aborted validation leaves the weights as they were trained, not their averages', async () => {
    const { model, run } = await started({ ema: 0.9, signal: AbortSignal.abort() }, { model: classifier(2) });
    setSureness(model, -1);
    await expect(run.endEpoch(figures(1), validation)).rejects.toMatchObject({ code: 'ABORTED' });
    expect(weightsOf(model)).toEqual(sure(-1));
  });
});

describe('patience', () => {
  test.each<[string, TrainOptions, number[], boolean[]]>([
    ['never ends without early stopping', {}, [1, 2, 3], [false, false, false]],
    ['ends after one epoch that is no better', { earlyStopping: { patience: 1 } }, [3, 2, 2], [false, false, true]],
    [
      'starts anew with each better one',
      { earlyStopping: { patience: 2 } },
      [3, 4, 2, 3, 2],
      [0, 0, 0, 0, 1].map(Boolean),
    ],
    [
      'counts only what is better by more than minDelta',
      { earlyStopping: { patience: 2, minDelta: 0.5 } },
      [3, 2.5, 2.25, 2.25],
      [false, false, false, false],
    ],
    [
      'ends when small changes do not add up to minDelta',
      { earlyStopping: { patience: 2, minDelta: 0.5 } },
      [3, 2.75, 2.5],
      [false, false, true],
    ],
  ])('%s', async (_, options, losses, expected) => {
    const { run } = await started(options);
    expect(run.outOfPatience()).toBe(false);
    const said: boolean[] = [];
    for (const loss of losses) {
      await run.endEpoch(figures(loss), undefined);
      said.push(run.outOfPatience());
    }
    expect(said).toEqual(expected);
  });

  test('of an accuracy, more is better', async () => {
    const { run } = await started({ monitor: 'valAccuracy', earlyStopping: { patience: 1 } });
    const said: boolean[] = [];
    for (const valAccuracy of [0.5, 0.6, 0.6]) {
      await run.endEpoch({ ...figures(1), valAccuracy }, undefined);
      said.push(run.outOfPatience());
    }
    expect(said).toEqual([false, false, true]);
  });
});

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

  test('where there is none, the training begins anew', async () => {
    const { model, run } = await started({ ...options, checkpoint: inMemory() });
    await run.restore();
    expect([run.epoch, run.steps]).toEqual([0, 0]);
    expect(weightsOf(model)).toEqual(sure(1));
  });

  test('says which settings it was made with when they are others', async () => {
    const { checkpoint } = await saved();
    const { run } = await started({ ...options, seed: 8, checkpoint });
    const settings = (seed: number) =>
      `{"samples":4,"batchSize":32,"learningRate":0.001,"weightDecay":0,"normalization":"unit","seed":${seed},` +
      '"sampling":"shuffled","ema":0.9,"monitor":"loss","workers":1}';
    await expect(run.restore()).rejects.toMatchObject({
      code: 'CHECKPOINT',
      message: `the checkpoint was made with other settings: ${settings(7)}, not ${settings(8)}`,
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
      'CHECKPOINT: the checkpoint lacks what a training goes on from',
    );
  });

  test.each(['loss', 'accuracy', 'learningRate', 'valLoss', 'valAccuracy', 'valMacroRecall'])(
    'is refused with a history without %s',
    async (figure) => {
      const answer = await said(({ state }) => {
        const { history } = state as { history: object };
        return { state: { ...state, history: { ...history, [figure]: undefined } } };
      });
      expect(answer).toBe('CHECKPOINT: the checkpoint lacks what a training goes on from');
    },
  );

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
    expect(await said(change)).toBe('CHECKPOINT: the checkpoint is of a model of another shape');
  });
});
