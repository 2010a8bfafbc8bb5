import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, test } from 'vitest';
import { useBackend } from '../../../src/classify/use-backend.js';
import { trainingLoss } from '../../../src/tfjs/train/training-loss.js';

beforeAll(() => useBackend('cpu'));

const inputs = [
  [1, 2],
  [-1, 0.5],
  [0, -3],
];
const truth = [
  [1, 0, 0],
  [0, 0.25, 0.75],
  [0, 1, 0],
];
const kernel = [
  [0.5, -1, 2],
  [1, 0.25, -0.5],
];
const bias = [0.1, 0, -0.2];
/** [3,3]: rows of `inputs` times `kernel`, and `bias`. */
const logits = inputs.map(([a, b]) => bias.map((c, k) => a * kernel[0][k] + b * kernel[1][k] + c));
const weights = () => [tf.tensor2d(kernel), tf.tensor1d(bias)];
const dense = (activation?: 'softmax' | 'sigmoid' | 'linear') =>
  layers.dense({ units: 3, inputShape: [2], activation, weights: weights() });
const xs = () => tf.tensor2d(inputs);
const ys = () => tf.tensor2d(truth);
const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
const crossEntropy = (probabilities: number[][]) =>
  truth.map((row, i) => -sum(row.map((y, c) => y * Math.log(Math.min(1, Math.max(1e-7, probabilities[i][c]))))));
const softmax = (row: number[]) => row.map((value) => Math.exp(value) / sum(row.map(Math.exp)));

/** Two that end in a softmax over a linear output. */
const softmaxes: [string, () => LayersModel][] = [
  ['a dense layer with softmax', () => sequential({ layers: [dense('softmax')] })],
  [
    'a softmax as an activation layer',
    () => sequential({ layers: [dense(), layers.activation({ activation: 'softmax' })] }),
  ],
];
/** Others, and their outputs. */
const others: [string, () => LayersModel, (row: number[]) => number[]][] = [
  ['a layer of softmax alone', () => sequential({ layers: [dense(), layers.softmax()] }), softmax],
  [
    'a softmax of its own',
    () => sequential({ layers: [dense(), new Tempered({})] }),
    (row) => softmax(row.map((x) => x / 2)),
  ],
  ['sigmoids', () => sequential({ layers: [dense('sigmoid')] }), (row) => row.map((x) => 1 / (1 + Math.exp(-x)))],
  ['linear outputs, below 0 and above 1', () => sequential({ layers: [dense('linear')] }), (row) => row],
  ['a dense layer without activation', () => sequential({ layers: [dense()] }), (row) => row],
];

describe('trainingLoss', () => {
  test.each(softmaxes)('of %s is the cross-entropy of its logits', (_, build) => {
    const { loss, outputs } = trainingLoss(build(), xs(), ys(), null);
    expectRows(outputs, logits);
    expect(loss.shape).toEqual([]);
    expect(loss.dataSync()[0]).toBeCloseTo(sum(crossEntropy(logits.map(softmax))) / 3, 5);
  });

  test.each(others)('of %s is the cross-entropy of its outputs, within 1e-7 and 1', (_, build, activation) => {
    const { loss, outputs } = trainingLoss(build(), xs(), ys(), null);
    expectRows(outputs, logits.map(activation));
    expect(loss.dataSync()[0]).toBeCloseTo(sum(crossEntropy(logits.map(activation))) / 3, 5);
  });

  test('weighs each sample, and divides by their number', () => {
    const of = (probabilities: number[][]) => {
      const [a, b, c] = crossEntropy(probabilities);
      return (0.5 * a + 0 * b + 4 * c) / 3;
    };
    const weightOfEach = () => tf.tensor1d([0.5, 0, 4]);
    const loss = (activation: 'softmax' | 'linear') =>
      trainingLoss(sequential({ layers: [dense(activation)] }), xs(), ys(), weightOfEach()).loss.dataSync()[0];
    expect(loss('softmax')).toBeCloseTo(of(logits.map(softmax)), 5);
    expect(loss('linear')).toBeCloseTo(of(logits), 5);
  });

  test.each(softmaxes)('of %s neither overflows nor loses small probabilities', (_, build) => {
    const far = tf.tensor2d([[0, -1000]]);
    // The logits are about -1000, -250 and 500, the last is sure: 750 nats to the second.
    const { loss } = trainingLoss(build(), far, tf.tensor2d([[0, 1, 0]]), null);
    expect(loss.dataSync()[0]).toBeCloseTo(749.8, 3);
  });

  test.each(['softmax', 'linear'] as const)('takes a model that ends in %s in training mode', (activation) => {
    const model = sequential({ layers: [layers.batchNormalization({ inputShape: [2] }), dense(activation)] });
    const { outputs } = trainingLoss(
      model,
      tf.tensor2d([
        [-3, 1],
        [5, 1],
      ]),
      tf.tensor2d([truth[0], truth[1]]),
      null,
    );
    // Of the batch: the mean is 1 and the variance 16, of the second input all is 0.
    const normal = 4 / Math.sqrt(16 + 1e-3);
    expectRows(
      outputs,
      [-normal, normal].map((x) => bias.map((b, k) => x * kernel[0][k] + b)),
    );
  });

  test.each(softmaxes)('leaves %s as it was, also when it fails', (_, build) => {
    const model = build();
    const probabilities = () => expectRows(model.predict(xs()) as tf.Tensor, logits.map(softmax));
    trainingLoss(model, xs(), ys(), null);
    probabilities();
    expect(() => trainingLoss(model, tf.ones([3, 5]), ys(), null)).toThrow();
    probabilities();
  });
});

/** A softmax at a temperature of 2: what it applies is not its `activation` alone. */
class Tempered extends layers.Layer {
  static className = 'Tempered';
  readonly activation = (
    layers.activation({ activation: 'softmax' }) as unknown as { activation: { apply(x: tf.Tensor): tf.Tensor } }
  ).activation;
  override call(given: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => this.activation.apply(tf.div(Array.isArray(given) ? given[0] : given, 2)));
  }
}

function expectRows(tensor: tf.Tensor, rows: number[][]): void {
  expect(tensor.shape).toEqual([rows.length, rows[0].length]);
  expect([...tensor.dataSync()]).toEqual(rows.flat().map((value) => expect.closeTo(value, 4)));
}
