import * as tf from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { useBackend } from '../../../src/index.js';
import { toFiles } from '../../../src/tfjs/model/artifacts.js';
import { batchGradients, type GradientSource, takeShare } from '../../../src/tfjs/train/batch-gradients.js';
import { takePartInSteps, type WorkerAnswer, type WorkerStart } from '../../../src/tfjs/train/gradient-worker.js';
import { randomStream } from '../../../src/tfjs/train/random.js';
import { type AnnouncedStep, SharedState } from '../../../src/tfjs/train/shared-state.js';
import { TrainingData } from '../../../src/tfjs/train/training-data.js';

afterEach(() => void vi.restoreAllMocks());

const spec = { height: 1, width: 20, channels: 1, inputSize: 20, classes: 3 };

/** Of stripes of 20 pixels, three classes. */
function network() {
  const model = sequential({
    layers: [
      layers.flatten({ inputShape: [1, 20, 1] }),
      layers.dropout({ rate: 0.5 }),
      layers.dense({ units: 3, activation: 'softmax' }),
    ],
  });
  model.setWeights([tf.randomUniform([20, 3], -0.5, 0.5, 'float32', 1), tf.zeros([3])]);
  return model;
}

/** The data that the second of two threads gets, for a training on six samples. */
function startOf(model: ReturnType<typeof network>): WorkerStart {
  const random = randomStream(4);
  const layout = {
    ...{ threads: 2, trainable: [60, 3], decaying: [false, false], moving: [], averaged: false },
    ...{ samples: 6, batchSize: 4, inputSize: 20 },
  };
  const { memory } = new SharedState(layout);
  return {
    ...{ thread: 1, files: toFiles(model), seed: 5, weightOfClass: Float32Array.of(1, 2, 0.5), backend: 'cpu' },
    ...{ layout, memory, options: { spec, normalization: 'unit', augmentation: { contrast: 0.3 } } },
    stored: {
      data: Float32Array.from({ length: 6 * 20 }, random),
      starts: Float64Array.from({ length: 7 }, (_, i) => 20 * i),
      sizes: Uint16Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? 20 : 1)),
      labels: Float32Array.from({ length: 18 }, (_, i) => Number(i % 3 === Math.floor(i / 3) % 3)),
    },
  };
}

/** Runs a worker on this thread, until it fails. */
async function answersTo(start: WorkerStart): Promise<WorkerAnswer[]> {
  const answers: WorkerAnswer[] = [];
  let told!: (message: WorkerStart) => unknown;
  takePartInSteps({
    post: (answer) => void answers.push(answer),
    listen: (onMessage) => {
      told = onMessage;
    },
  });
  await told(start);
  return answers;
}

const steps: AnnouncedStep[] = [
  { first: 0, rows: 4, following: 2, step: 0 },
  { first: 4, rows: 2, following: 0, step: 1 },
].map((batch) => ({
  ...{ ...batch, epoch: 1, averageDecay: 0, learningRate: 0.1, decay: 1 },
  ...{ beta1: 0.9, beta2: 0.999, epsilon: 1e-7, meanScale: 10, squareScale: 1000 },
}));

describe('a worker', () => {
  test('is ready, then takes its part in every step that is announced, one after the other', async () => {
    await useBackend('wasm');
    const model = network();
    const start = startOf(model);
    const state = new SharedState(start.layout, start.memory);
    state.order.set([5, 4, 3, 2, 1, 0]);
    const weights = model.getWeights().map((weight) => weight.dataSync() as Float32Array);
    for (const [i, values] of weights.entries()) state.weights.set(values, state.starts[i]);
    // The first thread has half of each batch, without a gradient, and comes to the barrier when it is waited for.
    state.portions[0] = 0.5;
    let barriers = 0;

    const seen: { awaited: number; gradients: Float32Array; figures: Float64Array; weights: Float32Array }[] = [];
    vi.spyOn(Atomics, 'wait').mockImplementation((array, _, awaited) => {
      if (array.byteOffset === state.arrivals.byteOffset) {
        if (++barriers > 9) throw new Error('the barrier is not passed');
        state.arrivals[0]++;
        return 'ok';
      }
      expect(array.byteOffset).toBe(state.announced.byteOffset);
      const { gradients, figures, weights } = state;
      seen.push({
        awaited: Number(awaited),
        gradients: gradients[1].slice(),
        figures: figures.slice(),
        weights: weights.slice(),
      });
      if (seen.length > steps.length) throw new Error('all steps are done');
      state.announce(steps[seen.length - 1]);
      return 'ok';
    });
    expect(await answersTo(start)).toEqual([{ kind: 'ready' }, { kind: 'failed', reason: 'all steps are done' }]);
    expect(tf.getBackend()).toBe('cpu');
    expect(seen.map(({ awaited }) => awaited)).toEqual([0, 1, 2]);
    // Inputs, gradients, weights; the second step's inputs were there already.
    expect(barriers).toBe(5);

    // Its half of the first batch: rows 2 and 3, samples 3 and 2.
    const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
    const training = new TrainingData(start.stored, start.options);
    const source: GradientSource = { ...start, model, variables, spec, training };
    const share = { indices: Uint32Array.of(3, 2), firstRow: 2, part: 1, epoch: 1, step: 0 };
    const { gradients, figures } = batchGradients(source, takeShare(source, share));
    const { loss, right } = await figures();
    const [ofKernel, ofBias] = variables.map(({ name }) => gradients[name].dataSync() as Float32Array);
    const done = seen[1];
    expect(done.gradients.slice(0, 60)).toEqual(ofKernel);
    expect(done.gradients.slice(60, 63)).toEqual(ofBias);
    expect([...done.figures.slice(2)]).toEqual([loss, right]);
    // Of 64 weights it moves the second half, at first by the learning rate against the gradient.
    expect(done.weights.slice(0, 32)).toEqual(weights[0].slice(0, 32));
    for (let i = 32; i < 60; i++) {
      expect(done.weights[i], `weight ${i}`).toBeCloseTo(weights[0][i] - 0.1 * Math.sign(ofKernel[i]), 3);
    }
    expect(seen[2].weights.slice(32, 60)).not.toEqual(done.weights.slice(32, 60));
  });

  test('that cannot begin says why', async () => {
    const start = startOf(network());
    expect(await answersTo({ ...start, backend: 'abacus' })).toEqual([
      { kind: 'failed', reason: expect.stringMatching(/^unknown backend 'abacus'/) },
    ]);
    const files = { ...start.files, binary: start.files.binary.slice(4) };
    const [answer, ...others] = await answersTo({ ...start, files });
    expect(answer).toMatchObject({ kind: 'failed', reason: expect.stringMatching(/252|248/) });
    expect(others).toEqual([]);
  });
});
