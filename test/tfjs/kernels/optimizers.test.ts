import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { noise, PATHS, startOn } from './paths.js';

const OPTIMIZERS: [string, () => tf.Optimizer][] = [
  ['SGD', () => tf.train.sgd(0.05)],
  ['momentum', () => tf.train.momentum(0.05, 0.9)],
  ["Nesterov's momentum", () => tf.train.momentum(0.05, 0.9, true)],
  ['RMSProp', () => tf.train.rmsprop(0.01, 0.9, 0.5, 1e-4)],
  ['centered RMSProp', () => tf.train.rmsprop(0.01, 0.9, 0.5, 1e-10, true)],
  ['Adagrad', () => tf.train.adagrad(0.05)],
  ['Adam', () => tf.train.adam(0.01)],
];

describe.each(PATHS)("TF.js's optimizers on the %s path", (path) => {
  beforeAll(() => startOn(path));

  test.each(OPTIMIZERS)('%s makes the steps of the cpu backend, and keeps no tensor', async (_, make) => {
    const expected = await weightsAfterSteps('cpu', make);
    const actual = await weightsAfterSteps('wasm', make);
    actual.forEach((values, i) => {
      values.forEach((value, j) => {
        expect(value).toBeCloseTo(expected[i][j], 5);
      });
    });
  });

  test('leaves clones of its means alone', async () => {
    await tf.setBackend('wasm');
    const variable = tf.variable(tf.ones([4]));
    const optimizer = tf.train.adam(0.1);
    const loss = () => tf.sum(tf.square(variable)) as tf.Scalar;
    optimizer.minimize(loss);
    const mean = (await optimizer.getWeights())[1].tensor;
    const clone = tf.clone(mean);
    const before = [...clone.dataSync()];
    optimizer.minimize(loss);
    expect([...clone.dataSync()]).toEqual(before);
    expect([...mean.dataSync()]).not.toEqual(before);
    optimizer.dispose();
    tf.dispose([variable, clone]);
  });
});

async function weightsAfterSteps(backend: string, make: () => tf.Optimizer): Promise<number[][]> {
  await tf.setBackend(backend);
  const before = tf.memory().numTensors;
  const variables = [[5, 3], [3]].map((shape, i) => tf.tidy(() => tf.variable(noise(shape, i + 1))));
  const x = noise([7, 5], 3) as tf.Tensor2D;
  const y = noise([7, 3], 4);
  const optimizer = make();
  for (let i = 0; i < 6; i++) {
    optimizer.minimize(() => {
      const [weights, bias] = variables;
      return tf.mean(tf.square(tf.sub(tf.add(tf.matMul(x, weights as tf.Tensor2D), bias), y))) as tf.Scalar;
    });
  }
  const values = variables.map((variable) => [...variable.dataSync()]);
  optimizer.dispose();
  tf.dispose([variables, x, y]);
  // TF.js's optimizers keep the number of their steps.
  expect(tf.memory().numTensors - before).toBeLessThanOrEqual(1);
  return values;
}
