import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, test } from 'vitest';
import { type TrainOptions, useBackend } from '../../../src/index.js';
import type { EpochFigures } from '../../../src/tfjs/train/train-history.js';
import { type TrainSettings, trainSettings } from '../../../src/tfjs/train/train-options.js';
import { readTrainingData } from '../../../src/tfjs/train/training-data.js';
import { TrainingRun } from '../../../src/tfjs/train/training-run.js';

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

describe('a training run', () => {
  test('refuses a model without trainable weights', async () => {
    const model = classifier();
    for (const layer of model.layers) layer.trainable = false;
    await expect(started({}, { model })).rejects.toMatchObject({
      code: 'MODEL',
      message: 'the model has no trainable weights',
    });
  });

  test('weighs classes as given, or so that each counts equally; a class without samples has no weight', async () => {
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

  test('counts steps that other threads take, and gives their numbers', async () => {
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

  test('a first epoch is the best so far, even if its figure is not a number', async () => {
    const { model, run } = await started();
    await run.endEpoch(figures(Number.NaN), validation);
    setSureness(model, 2);
    expect(run.finish().best.epoch).toBe(1);
    expect(weightsOf(model)).toEqual(sure(1));
  });

  test('averages are validated and kept; the training continues from the trained weights', async () => {
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
      'starts again after each better epoch',
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

  test('takes a higher accuracy as better', async () => {
    const { run } = await started({ monitor: 'valAccuracy', earlyStopping: { patience: 1 } });
    const said: boolean[] = [];
    for (const valAccuracy of [0.5, 0.6, 0.6]) {
      await run.endEpoch({ ...figures(1), valAccuracy }, undefined);
      said.push(run.outOfPatience());
    }
    expect(said).toEqual([false, false, true]);
  });
});
