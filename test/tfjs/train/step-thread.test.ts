import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { type Sample, type TrainOptions, useBackend } from '../../../src/index.js';
import { currentBackend } from '../../../src/tfjs/backends/current-backend.js';
import { nativeOnShared } from '../../../src/tfjs/kernels/native.js';
import { batchGradients, type GradientSource, takeShare } from '../../../src/tfjs/train/batch-gradients.js';
import { randomStream } from '../../../src/tfjs/train/random.js';
import { type AnnouncedStep, SharedState } from '../../../src/tfjs/train/shared-state.js';
import { StepBarrier } from '../../../src/tfjs/train/step-barrier.js';
import { StepThread } from '../../../src/tfjs/train/step-thread.js';
import { trainSettings } from '../../../src/tfjs/train/train-options.js';
import { readTrainingData } from '../../../src/tfjs/train/training-data.js';
import { TrainingRun } from '../../../src/tfjs/train/training-run.js';
import { stepsHere } from '../../../src/tfjs/train/training-steps.js';

/** Of stripes of 20 pixels, three classes: 60 weights and 3 biases, which threads move in slices of 16 and more. */
function network({ dropout = 0, normalized = false } = {}): LayersModel {
  const model = sequential({
    layers: [
      ...(normalized ? [layers.batchNormalization({ inputShape: [1, 20, 1], momentum: 0.5 })] : []),
      layers.flatten({ inputShape: [1, 20, 1] }),
      layers.dropout({ rate: dropout }),
      layers.dense({ units: 3, activation: 'softmax' }),
    ],
  });
  const kernel = tf.randomUniform([20, 3], -0.5, 0.5, 'float32', 1);
  model.setWeights(model.getWeights().map((weight) => (weight.rank === 2 ? kernel : weight)));
  return model;
}

function stripes(count: number): Sample[] {
  const random = randomStream(4);
  return Array.from({ length: count }, (_, i) => ({
    image: { data: Uint8Array.from({ length: 20 }, () => 255 * random()), width: 20, height: 1, channels: 1 },
    label: i % 3,
  }));
}

const options: TrainOptions = {
  ...{ batchSize: 5, seed: 3, ema: 0.9, weightDecay: 0.1, classWeights: [1, 2, 0.5] },
  augment: { flip: true, contrast: 0.3 },
};

/** Of 12 samples, in the order of each epoch: batches of 5, 5 and 2. */
const orders = [1, 2].map((epoch) => Uint32Array.from({ length: 12 }, (_, i) => (5 * i + epoch) % 12));
const batches = [
  { first: 0, rows: 5, following: 5 },
  { first: 5, rows: 5, following: 2 },
  { first: 10, rows: 2, following: 0 },
];
const rate = 0.05;

async function runOf(model: LayersModel, more: TrainOptions = {}): Promise<TrainingRun> {
  const settings = trainSettings(model, { ...options, ...more });
  const { spec, normalization } = settings;
  const augmentation = settings.augment;
  const training = await readTrainingData(stripes(12), { spec, normalization, augmentation });
  return new TrainingRun(model, settings, training);
}

/** As many threads, all on this one: those who wait look again and again whether the others have come. */
async function threadsOf(count: number, run: TrainingRun, copy: () => LayersModel) {
  const variablesOf = (model: LayersModel) => model.trainableWeights.map((weight) => weight.read() as tf.Variable);
  const { model, spec, training } = run.source;
  const { weights, averages } = run.moved;
  const untrained = model.nonTrainableWeights.map((weight) => weight.read() as tf.Variable);
  const state = new SharedState({
    ...{
      threads: count,
      averaged: averages.length > 0,
      samples: training.count,
      batchSize: 5,
      inputSize: spec.inputSize,
    },
    trainable: weights.map(({ size }) => size),
    decaying: weights.map(({ rank }) => rank > 1),
    moving: untrained.map(({ size }) => size),
  });
  for (const [i, variable] of [...weights, ...untrained].entries()) {
    state.weights.set(variable.dataSync(), state.starts[i]);
    if (i < averages.length) state.averages.set(averages[i].dataSync(), state.starts[i]);
  }
  const kernels = await nativeOnShared(state.memory);
  const backend = await currentBackend();
  const sources: GradientSource[] = [];
  const threads = Array.from({ length: count }, (_, thread) => {
    const barrier = new StepBarrier(state.arrivals, count);
    const wait = async () => {
      for (let looks = 0; !barrier.wait(0); looks++) {
        if (looks === 1000) throw new Error('a thread does not come');
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const own = thread === 0 ? model : copy();
    sources.push({ ...run.source, model: own, variables: variablesOf(own) });
    return new StepThread({ thread, source: sources[thread], backend, state, kernels, barrier, wait });
  });
  return {
    state,
    sources,
    async take(batch: (typeof batches)[number], epoch: number): Promise<AnnouncedStep> {
      const step = { ...batch, epoch, step: run.steps, ...run.nextStep(rate) };
      state.announce(step);
      await Promise.all(threads.map((thread) => thread.take(step)));
      return step;
    },
  };
}

const valuesOf = (model: LayersModel) => model.getWeights().flatMap((weight) => Array.from(weight.dataSync()));

/** The numbers of an array laid out as the weights are, without the gaps. */
function valuesIn(array: Float32Array, state: SharedState): number[] {
  return state.layout.trainable.flatMap((size, i) =>
    Array.from(array.subarray(state.starts[i], state.starts[i] + size)),
  );
}

function expectClose(actual: number[], expected: number[], digits = 5): void {
  expect(actual).toHaveLength(expected.length);
  for (const [i, value] of actual.entries()) expect(value, `number ${i}`).toBeCloseTo(expected[i], digits);
}

describe.each(['cpu', 'wasm'])('threads that share the steps of a training, on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  test.each([2, 3, 5])('%i of them move all as one thread does with whole batches', async (count) => {
    const alone = await runOf(network());
    const steps = stepsHere(alone, await currentBackend());
    const run = await runOf(network());
    const { state, sources, take } = await threadsOf(count, run, network);
    for (const [i, order] of orders.entries()) {
      state.order.set(order);
      await steps.beginEpoch(i + 1, order);
      for (const batch of batches) {
        const expected = await steps.take(batch.first, batch.rows, rate);
        await take(batch, i + 1);
        let [loss, right] = [0, 0];
        for (let thread = 0; thread < Math.min(count, batch.rows); thread++) {
          loss += state.portions[thread] * state.figures[2 * thread];
          right += state.figures[2 * thread + 1];
        }
        expect(loss).toBeCloseTo(expected.loss, 5);
        expect(right).toBe(expected.right);
        for (const { model } of sources) expectClose(valuesOf(model), valuesOf(alone.source.model));
      }
      await steps.endEpoch();
    }
    for (const part of ['weights', 'means', 'squares', 'averages'] as const) {
      const expected = alone.moved[part].flatMap((variable) => Array.from(variable.dataSync()));
      expectClose(valuesIn(state[part], state), expected);
    }
    steps.dispose();
  });

  test('each computes its part of the batch, with its own dropout', async () => {
    const dropping = () => network({ dropout: 0.5 });
    const run = await runOf(dropping(), { ema: undefined });
    const { state, sources, take } = await threadsOf(3, run, dropping);
    state.order.set(orders[0]);
    // Rows 0, 1 to 2, 3 to 4 of five.
    const parts = [0, 1, 3, 5].slice(0, 3).map((firstRow, part) => {
      const indices = orders[0].slice(firstRow, [1, 3, 5][part]);
      const taken = takeShare(run.source, { indices, firstRow, part, epoch: 1, step: 0 });
      return batchGradients(sources[part], taken);
    });
    const expected = await Promise.all(
      parts.map(async ({ gradients, figures }, part) => ({
        ...(await figures()),
        gradients: sources[part].variables.flatMap(({ name }) => Array.from(gradients[name].dataSync())),
      })),
    );
    await take(batches[0], 1);
    expect(Array.from(state.portions)).toEqual([0.2, 0.4, 0.4].map(Math.fround));
    for (const [part, { loss, right, gradients }] of expected.entries()) {
      expect(valuesIn(state.gradients[part], state)).toEqual(gradients);
      expect(Array.from(state.figures.subarray(2 * part, 2 * part + 2))).toEqual([loss, right]);
    }
  });

  test('weights that are not trained become the mean of what the threads made of them', async () => {
    const normalizing = () => network({ normalized: true });
    const run = await runOf(normalizing());
    const { state, sources, take } = await threadsOf(3, run, normalizing);
    state.order.set(orders[0]);
    await take(batches[0], 1);
    const seen = state.inputs[0];
    const mean = seen.reduce((sum, value) => sum + value, 0) / seen.length;
    // Half of the batch's mean, half of 0.
    for (const { model } of sources) expect(model.getWeights()[4].dataSync()[0]).toBeCloseTo(mean / 2, 5);
  });

  test('every row is augmented once, the next batch’s before the step ends', async () => {
    const run = await runOf(network());
    const taken = vi.spyOn(run.source.training, 'take');
    const { state, take } = await threadsOf(2, run, network);
    const counts: number[] = [];
    for (const [i, order] of orders.entries()) {
      state.order.set(order);
      for (const batch of batches) {
        const { step } = await take(batch, i + 1);
        counts.push(taken.mock.calls.length);
        const indices = order.slice(batch.first, batch.first + batch.rows);
        const whole = takeShare(run.source, { indices, firstRow: 0, part: 0, epoch: i + 1, step });
        expect(state.inputs[step % 2].slice(0, whole.inputs.length)).toEqual(whole.inputs);
        taken.mockClear();
      }
    }
    // The last batch of an epoch has none after it: the order of the next epoch is not known.
    expect(counts).toEqual([10, 2, 0, 10, 2, 0]);
  });

  test('a training that continues from a step begins with an augmented batch', async () => {
    for (const done of [1, 2]) {
      const run = await runOf(network());
      for (let step = 0; step < done; step++) run.nextStep(rate);
      const { state, take } = await threadsOf(2, run, network);
      state.order.set(orders[0]);
      await take(batches[0], 1);
      const share = { indices: orders[0].slice(0, 5), firstRow: 0, part: 0, epoch: 1, step: done };
      expect(state.inputs[done % 2]).toEqual(takeShare(run.source, share).inputs);
    }
  });

  test('leaves no tensor behind, and the model keeps its weights when the shared ones move on', async () => {
    const run = await runOf(network());
    const { state, sources, take } = await threadsOf(2, run, network);
    state.order.set(orders[0]);
    const before = tf.memory().numTensors;
    await take(batches[0], 1);
    expect(tf.memory().numTensors).toBe(before);
    const kept = sources.map(({ model }) => valuesOf(model));
    expect(kept[0]).toEqual(valuesIn(state.weights, state));
    state.weights.fill(7);
    expect(sources.map(({ model }) => valuesOf(model))).toEqual(kept);
  });
});
