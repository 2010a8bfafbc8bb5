import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { adamStep } from '../../../src/tfjs/kernels/adam.js';
import { type Digest, type GoldenNetwork, readGolden } from '../../golden-network.js';
import { sharedPath } from '../../shared.js';
import { noiseAt, PATHS, startOn } from './paths.js';

const file = sharedPath('golden/network.json');
const golden: GoldenNetwork = file === null ? { parameters: [], cases: [] } : readGolden(file);

describe.skipIf(golden.cases.length === 0).each(PATHS)('the golden network on the %s path', (path) => {
  beforeAll(() => startOn(path));

  test.each(golden.cases)('gives the probabilities, loss and gradients of seed $seed', (expected) => {
    const { variables, loss } = networkOf(expected.seed, expected.batch, expected.labels);
    tf.tidy(() => {
      const { value, grads } = tf.variableGrads(() => loss().loss, variables);
      const probabilities = loss().probabilities.arraySync() as number[][];
      probabilities.forEach((row, i) => {
        row.forEach((p, j) => {
          expect(Math.abs(p - expected.probabilities[i][j])).toBeLessThan(1e-4);
        });
      });
      expect(Math.abs(value.dataSync()[0] - expected.loss)).toBeLessThan(1e-4);
      variables.forEach((variable, i) => {
        expectDigest(grads[variable.name], expected.gradients[golden.parameters[i].name], 1e-3);
      });
    });
    tf.dispose(variables);
  });

  test.skipIf(path === 'composed').each(golden.cases)('takes the Adam steps of seed $seed', (expected) => {
    const { variables, loss } = networkOf(expected.seed, expected.batch, expected.labels);
    const [means, squares] = [0, 1].map(() => variables.map((variable) => tf.zerosLike(variable)));
    const { learningRate, epsilon } = expected.adam;
    tf.tidy(() => {
      expected.adam.losses.forEach((expectedLoss, i) => {
        const { value, grads } = tf.variableGrads(() => loss().loss, variables);
        expect(Math.abs(value.dataSync()[0] - expectedLoss)).toBeLessThan(1e-4);
        variables.forEach((variable, j) => {
          const options = { learningRate, epsilon, step: i + 1 };
          expect(adamStep(variable, grads[variable.name], means[j], squares[j], options)).toBe(true);
        });
      });
      expect(Math.abs(loss().loss.dataSync()[0] - expected.adam.lossAfter)).toBeLessThan(1e-4);
      variables.forEach((variable, i) => {
        expectDigest(variable, expected.adam.parameters[golden.parameters[i].name], 1e-4);
      });
    });
    tf.dispose([variables, means, squares]);
  });
});

/** The exact network by the formulas of the golden file. */
function networkOf(seed: number, batch: number, labels: number[]) {
  const filled = (shape: number[], phase: number, value: (noise: number) => number) =>
    tf.tensor(
      Float32Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) => value(noiseAt(i, phase))),
      shape,
    );
  const variables = golden.parameters.map(({ shape, amplitude }, i) =>
    tf.tidy(() => tf.variable(filled(shape, i + 1 + 10 * seed, (noise) => amplitude * (2 * noise - 1)))),
  );
  const [k1, b1, k2, b2, w1, c1, w2, c2] = variables;
  const loss = () => {
    const x = filled([batch, 32, 32, 1], 100 + seed, (noise) => noise) as tf.Tensor4D;
    const convolve = (a: tf.Tensor, k: tf.Tensor, b: tf.Tensor) =>
      tf.maxPool(
        tf.relu(tf.add(tf.conv2d(a as tf.Tensor4D, k as tf.Tensor4D, 1, 'same'), b)) as tf.Tensor4D,
        2,
        2,
        'same',
      );
    const features = tf.reshape(convolve(convolve(x, k1, b1), k2, b2), [batch, 2048]);
    const hidden = tf.relu(tf.add(tf.matMul(features, w1 as tf.Tensor2D), c1));
    const logits = tf.add(tf.matMul(hidden as tf.Tensor2D, w2 as tf.Tensor2D), c2);
    const ys = tf.oneHot(tf.tensor1d(labels, 'int32'), 5);
    return {
      probabilities: tf.softmax(logits as tf.Tensor2D),
      loss: tf.losses.softmaxCrossEntropy(ys, logits) as tf.Scalar,
    };
  };
  return { variables, loss };
}

function expectDigest(actual: tf.Tensor, expected: Digest, tolerance: number): void {
  const values = actual.dataSync();
  let [sum, squares, largest] = [0, 0, 0];
  for (const value of values) {
    sum += value;
    squares += value * value;
    largest = Math.max(largest, Math.abs(value));
  }
  expect(Math.abs(Math.sqrt(squares) - expected.l2)).toBeLessThan(tolerance * expected.l2);
  // The sum's terms cancel: relative to what adding them could have given.
  expect(Math.abs(sum - expected.sum)).toBeLessThan(tolerance * Math.max(Math.abs(expected.sum), expected.l2));
  expected.at.forEach((index, i) => {
    expect(Math.abs(values[index] - expected.values[i])).toBeLessThan(tolerance * largest);
  });
}
