import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { useBackend } from '../../../src/classify/use-backend.js';
import { Adam, type AdamOptions } from '../../../src/tfjs/train/adam.js';

/** Gradients of three steps, of a matrix and of a vector. */
const gradients = [
  { matrix: [1, -2, 0.5, 4], vector: [3, 0] },
  { matrix: [-1, 0.25, 8, 0.125], vector: [-0.5, 1] },
  { matrix: [0, 2, -3, 1], vector: [0.25, -2] },
];
const start = { matrix: [1, -1, 0.5, 20], vector: [2, -3] };
const rates = [0.1, 0.05, 0.2];

describe.each(['cpu', 'wasm'])('Adam on %s', (backend) => {
  beforeAll(() => useBackend(backend));
  beforeEach(() => {
    tf.engine().startScope();
  });
  afterEach(() => {
    tf.engine().endScope();
    tf.disposeVariables();
  });

  test.each<[string, AdamOptions | undefined]>([
    ['its defaults', undefined],
    ['decay of weights', { weightDecay: 0.3 }],
    ['other decays of the moments', { beta1: 0.5, beta2: 0.75 }],
    ['a large epsilon', { epsilon: 0.5 }],
    ['all of its own', { beta1: 0.8, beta2: 0.9, epsilon: 0.01, weightDecay: 0.1 }],
  ])('moves weights and moments as algorithm 1 says, with %s', (_, options) => {
    const variables = startVariables();
    const adam = new Adam(variables, options);
    gradients.forEach((each, i) => {
      adam.step(gradientsOf(variables, each), rates[i]);
      expect(adam.steps).toBe(i + 1);
      // A matrix decays, a vector (a bias) does not.
      const matrix = expected('matrix', i + 1, options?.weightDecay ?? 0, options);
      const vector = expected('vector', i + 1, 0, options);
      expectClose(variables[0], matrix.weights);
      expectClose(variables[1], vector.weights);
      const moments = adam.state();
      [matrix.means, vector.means, matrix.squares, vector.squares].forEach((values, k) => {
        expectClose(moments[k], values);
      });
    });
    expect(variables.map(({ shape }) => shape)).toEqual([[2, 2], [2]]);
  });

  test('begins with moments of 0, not trainable, in the shapes of the variables, means first', () => {
    const moments = new Adam(startVariables()).state();
    expect(moments.map(({ shape }) => shape)).toEqual([[2, 2], [2], [2, 2], [2]]);
    expect(moments.map(({ trainable }) => trainable)).toEqual([false, false, false, false]);
    for (const moment of moments) expectClose(moment, Array(moment.size).fill(0));
  });

  test('continues from a saved state as if it had not stopped', () => {
    const whole = startVariables();
    const adam = new Adam(whole);
    for (const [i, each] of gradients.entries()) adam.step(gradientsOf(whole, each), rates[i]);

    const stopped = startVariables();
    const first = new Adam(stopped);
    for (const i of [0, 1]) first.step(gradientsOf(stopped, gradients[i]), rates[i]);
    const second = new Adam(stopped);
    second.steps = first.steps;
    for (const [i, moment] of second.state().entries()) moment.assign(first.state()[i].clone());
    second.step(gradientsOf(stopped, gradients[2]), rates[2]);
    expect(stopped.map((variable) => variable.dataSync())).toEqual(whole.map((variable) => variable.dataSync()));
  });

  test('leaves no tensor behind but its moments, and those until it is disposed', () => {
    const variables = startVariables();
    const tensors = gradientsOf(variables, gradients[0]);
    const before = tf.memory().numTensors;
    const adam = new Adam(variables, { weightDecay: 0.1 });
    expect(tf.memory().numTensors).toBe(before + 4);
    adam.step(tensors, 0.1);
    expect(tf.memory().numTensors).toBe(before + 4);
    adam.dispose();
    expect(tf.memory().numTensors).toBe(before);
    expect(variables.some(({ isDisposed }) => isDisposed)).toBe(false);
  });
});

test('the numbers of a step that is taken elsewhere: each counts one', () => {
  const adam = new Adam([], { beta1: 0.5, beta2: 0.75, epsilon: 0.01, weightDecay: 0.1 });
  const given = { beta1: 0.5, beta2: 0.75, epsilon: 0.01 };
  // 1 / (1 - 1/2) and 1 / (1 - 3/4); then of 1/4 and 9/16.
  expect(adam.nextStep(0.5)).toEqual({ ...given, learningRate: 0.5, meanScale: 2, squareScale: 4, decay: 0.95 });
  expect(adam.nextStep(1)).toEqual({ ...given, learningRate: 1, meanScale: 4 / 3, squareScale: 16 / 7, decay: 0.9 });
  expect(adam.steps).toBe(2);
  expect(new Adam([]).nextStep(3)).toMatchObject({ beta1: 0.9, beta2: 0.999, epsilon: 1e-7, decay: 1 });
});

function startVariables(): tf.Variable[] {
  return [tf.variable(tf.tensor2d(start.matrix, [2, 2])), tf.variable(tf.tensor1d(start.vector))];
}

function gradientsOf([matrix, vector]: tf.Variable[], each: typeof start): tf.NamedTensorMap {
  return { [vector.name]: tf.tensor1d(each.vector), [matrix.name]: tf.tensor2d(each.matrix, [2, 2]) };
}

/** Weights and moments after a number of steps; each moment is computed as a sum over all steps. */
function expected(of: 'matrix' | 'vector', steps: number, weightDecay: number, options: AdamOptions = {}) {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7 } = options;
  const moment = (beta: number, power: number, k: number, t: number) =>
    gradients.slice(0, t).reduce((sum, each, i) => sum + (1 - beta) * beta ** (t - 1 - i) * each[of][k] ** power, 0);
  const weights = start[of].map((first, k) => {
    let weight = first;
    for (let t = 1; t <= steps; t++) {
      const mean = moment(beta1, 1, k, t) / (1 - beta1 ** t);
      const square = moment(beta2, 2, k, t) / (1 - beta2 ** t);
      weight -= rates[t - 1] * (mean / (Math.sqrt(square) + epsilon) + weightDecay * weight);
    }
    return weight;
  });
  return {
    weights,
    means: start[of].map((_, k) => moment(beta1, 1, k, steps)),
    squares: start[of].map((_, k) => moment(beta2, 2, k, steps)),
  };
}

function expectClose(variable: tf.Variable, values: number[]): void {
  const wanted = values.map((value) => expect.closeTo(value, 5));
  expect([...variable.dataSync()]).toEqual(wanted);
}
