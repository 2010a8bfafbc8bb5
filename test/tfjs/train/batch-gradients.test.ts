import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, test } from 'vitest';
import { useBackend } from '../../../src/index.js';
import {
  batchGradients,
  type GradientSource,
  rowTargets,
  type Share,
  takeShare,
} from '../../../src/tfjs/train/batch-gradients.js';
import { randomStream } from '../../../src/tfjs/train/random.js';
import { TrainingData } from '../../../src/tfjs/train/training-data.js';

beforeAll(() => useBackend('cpu'));

const spec = { height: 1, width: 2, channels: 1, inputSize: 2, classes: 2 };
const inputs = [
  [1, 0],
  [0.5, 0.25],
  [0, 1],
];
const labels = [
  [1, 0],
  [0.25, 0.75],
  [0, 1],
];
const kernel = [
  [0.5, -0.5],
  [0.25, 1],
];

function classifier(dropout: number): LayersModel {
  const model = sequential({
    layers: [
      layers.flatten({ inputShape: [1, 2, 1] }),
      layers.dropout({ rate: dropout }),
      layers.dense({ units: 2, activation: 'softmax' }),
    ],
  });
  model.setWeights([tf.tensor2d(kernel), tf.tensor1d([0.1, -0.1])]);
  return model;
}

function source({ dropout = 0, weightOfClass = null as Float32Array | null } = {}): GradientSource {
  const model = classifier(dropout);
  const stored = {
    data: Float32Array.from(inputs.flat()),
    starts: Float64Array.of(0, 2, 4, 6),
    sizes: Uint16Array.of(2, 1, 2, 1, 2, 1),
    labels: Float32Array.from(labels.flat()),
  };
  const training = new TrainingData(stored, { spec, normalization: 'unit', augmentation: null });
  const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
  return { model, variables, spec, training, seed: 3, weightOfClass };
}

const share = (indices: number[]): Share => ({
  ...{ indices: Uint32Array.from(indices), firstRow: 0, part: 0, epoch: 1, step: 0 },
});

/** Softmax regression by hand: the gradient of each sample's loss with respect to its logits is p - y. */
function byHand(indices: number[], weights: number[]) {
  const n = indices.length;
  let [loss, right] = [0, 0];
  const gradient = { kernel: [0, 0, 0, 0], bias: [0, 0] };
  indices.forEach((index, row) => {
    const [a, b] = inputs[index];
    const logits = [0.1 + a * kernel[0][0] + b * kernel[1][0], -0.1 + a * kernel[0][1] + b * kernel[1][1]];
    const sum = Math.exp(logits[0]) + Math.exp(logits[1]);
    for (const c of [0, 1]) {
      const p = Math.exp(logits[c]) / sum;
      loss -= (weights[row] * labels[index][c] * Math.log(p)) / n;
      const change = (weights[row] * (p - labels[index][c])) / n;
      gradient.bias[c] += change;
      gradient.kernel[c] += a * change;
      gradient.kernel[2 + c] += b * change;
    }
    if (logits[0] > logits[1] === labels[index][0] > labels[index][1]) right++;
  });
  return { loss, right, gradient };
}

describe('the gradients of a batch', () => {
  test.each([
    { name: 'of all samples alike', weightOfClass: null, indices: [0, 1, 2], weights: [1, 1, 1] },
    // The second sample has both classes: the more probable one counts.
    {
      name: 'with weights of classes',
      weightOfClass: Float32Array.of(0.5, 3),
      indices: [2, 0, 1],
      weights: [3, 0.5, 3],
    },
    { name: 'of one sample twice', weightOfClass: null, indices: [0, 2, 2], weights: [1, 1, 1] },
  ])('$name are those calculated by hand', async ({ weightOfClass, indices, weights }) => {
    const from = source({ weightOfClass });
    const before = tf.memory().numTensors;
    const { gradients, figures } = batchGradients(from, takeShare(from, share(indices)));
    const { loss, right } = await figures();
    const expected = byHand(indices, weights);
    expect(loss).toBeCloseTo(expected.loss, 5);
    expect(right).toBe(expected.right);
    const [ofKernel, ofBias] = from.variables.map(({ name }) => Array.from(gradients[name].dataSync()));
    for (const [i, value] of expected.gradient.kernel.entries()) expect(ofKernel[i]).toBeCloseTo(value, 5);
    for (const [i, value] of expected.gradient.bias.entries()) expect(ofBias[i]).toBeCloseTo(value, 5);
    tf.dispose(gradients);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('use new dropout for every step and part, and the same dropout when repeated', async () => {
    const from = source({ dropout: 0.5 });
    const kernelGradient = (step: number, part: number) => {
      const taken = takeShare(from, { ...share([0, 1, 2]), step, part });
      const { gradients } = batchGradients(from, taken);
      return Array.from(gradients[from.variables[0].name].dataSync()).join();
    };
    const steps = Array.from({ length: 8 }, (_, step) => kernelGradient(step, 0));
    const parts = Array.from({ length: 8 }, (_, part) => kernelGradient(0, part));
    expect(kernelGradient(3, 0)).toBe(steps[3]);
    expect(new Set(steps).size).toBeGreaterThan(2);
    expect(new Set(parts).size).toBeGreaterThan(2);
    expect(steps.slice(1)).not.toEqual(parts.slice(1));
  });
});

test('a step that fails, before or after the model has run, leaves no tensor', () => {
  const made = source({ weightOfClass: Float32Array.of(1, 2) });
  const taken = takeShare(made, share([0, 1]));
  // Of another model: no gradient reaches it, which is found when the answer is there.
  const stranger = tf.variable(tf.scalar(1));
  const before = tf.memory().numTensors;
  expect(() => batchGradients({ ...made, variables: [stranger] }, taken)).toThrow();
  expect(tf.memory().numTensors).toBe(before);
  expect(() => batchGradients(made, { ...taken, labels: Float32Array.of(1) })).toThrow();
  expect(tf.memory().numTensors).toBe(before);
});

describe('a part of a batch', () => {
  test('is read row by row, each with a random stream of its position in the training', () => {
    const taken: [index: number, offset: number, random: number][] = [];
    const training = {
      ...{ views: 0, truth: Uint16Array.of(0, 1, 1), labelOf: (index: number) => Float32Array.from(labels[index]) },
      take(index: number, out: Float32Array, offset: number, random: () => number) {
        taken.push([index, offset, random()]);
        out.set([10 * index, 10 * index + 1], offset);
      },
    };
    const from = { spec, training, seed: 3, weightOfClass: null } as unknown as GradientSource;
    const indices = Uint32Array.of(2, 1, 2);
    const part = takeShare(from, { indices, firstRow: 5, part: 4, epoch: 7, step: 11 });
    // Seed, 2 for augmentation, epoch, step, row of the batch.
    const drawn = [5, 6, 7].map((row) => randomStream(3, 2, 7, 11, row)());
    expect(taken).toEqual([
      [2, 0, drawn[0]],
      [1, 2, drawn[1]],
      [2, 4, drawn[2]],
    ]);
    expect(part).toEqual({
      ...{ indices, firstRow: 5, part: 4, epoch: 7, step: 11 },
      inputs: Float32Array.of(20, 21, 10, 11, 20, 21),
      labels: Float32Array.of(0, 1, 0.25, 0.75, 0, 1),
      weights: null,
    });
  });

  test('with fixed views draws the same numbers for the same view, at any place in the batch', () => {
    const viewLabels = Float32Array.of(1, 0, 0.5, 0.5, 0, 1, 0.5, 0.5, 0.25, 0.75, 1, 0);
    const from = source();
    const { stored, options } = from.training;
    const drawn: number[] = [];
    from.training = new TrainingData({ ...stored, viewLabels }, options);
    from.training.take = (_index, _out, _offset, random) => drawn.push(random());
    const take = (epoch: number, step: number, firstRow: number) =>
      takeShare(from, { indices: Uint32Array.of(2, 0), firstRow, part: 0, epoch, step }).labels;
    expect(take(2, 9, 0)).toEqual(Float32Array.of(1, 0, 0.5, 0.5));
    expect(take(4, 20, 3)).toEqual(Float32Array.of(1, 0, 0.5, 0.5));
    expect(take(1, 0, 0)).toEqual(Float32Array.of(0.25, 0.75, 1, 0));
    // Seed, 5 for fixed views, sample, view.
    const expected = [1, 1, 0].flatMap((view) => [2, 0].map((index) => randomStream(3, 5, index, view)()));
    expect(drawn).toEqual(expected);
  });

  test('knows the weight of each of its samples', () => {
    const from = source({ weightOfClass: Float32Array.of(0.5, 3) });
    expect(rowTargets(from, Uint32Array.of(1, 0), 1)).toEqual({
      labels: Float32Array.of(0.25, 0.75, 1, 0),
      weights: Float32Array.of(3, 0.5),
    });
  });
});
