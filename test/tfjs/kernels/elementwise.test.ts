import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { adamStep } from '../../../src/tfjs/kernels/adam.js';
import { dropout } from '../../../src/tfjs/kernels/dropout.js';
import fc from '../../fast-check.js';
import { runs } from '../../night.js';
import { differenceOf, noise, on, PATHS, startOn } from './paths.js';

const shape = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 });

describe.each(PATHS)('ops on the %s path', (path) => {
  beforeAll(() => startOn(path));

  test('sum over any axes', async () => {
    await fc.assert(
      fc.asyncProperty(shape, fc.nat(15), fc.boolean(), async (dims, mask, keepDims) => {
        const axes = dims.map((_, i) => i).filter((i) => mask & (1 << i));
        const sum = () => [tf.sum(noise(dims, 1), axes, keepDims)];
        const [expected] = await on('cpu', sum);
        const [actual] = await on('wasm', sum);
        // What is added up may cancel: relative to the largest possible sum.
        const terms = dims.reduce((a, b) => a * b, 1);
        expect(actual.shape).toEqual(expected.shape);
        for (let i = 0; i < expected.values.length; i++) {
          expect(Math.abs(actual.values[i] - expected.values[i])).toBeLessThan(1e-6 * terms);
        }
      }),
      { numRuns: runs(200) },
    );
  });

  test('add a bias, and have the gradients of a rectified sum', async () => {
    await fc.assert(
      fc.asyncProperty(shape, async (dims) => {
        const gradients = () => {
          const y = (x: tf.Tensor, bias: tf.Tensor) => tf.relu(tf.add(x, bias));
          const x = noise(dims, 1);
          const bias = noise(dims.slice(-1), 2);
          return [y(x, bias), ...tf.grads(y)([x, bias], noise(dims, 3))];
        };
        const expected = await on('cpu', gradients);
        const actual = await on('wasm', gradients);
        for (let i = 0; i < 3; i++) expect(differenceOf(actual[i], expected[i])).toBeLessThan(1e-4);
      }),
      { numRuns: runs(200) },
    );
  });

  test('clone without tying two tensors to each other', async () => {
    await tf.setBackend('wasm');
    const before = tf.memory().numTensors;
    const a = tf.tensor1d([1, 2, 3]);
    const b = tf.clone(a);
    a.dispose();
    expect([...b.dataSync()]).toEqual([1, 2, 3]);
    b.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('drop the same values as on the cpu backend, also from the gradient', async () => {
    await fc.assert(
      fc.asyncProperty(shape, fc.double({ min: 0, max: 0.99 }), fc.integer(), async (dims, rate, seed) => {
        fc.pre(!Number.isNaN(rate));
        const drop = () => {
          const y = (x: tf.Tensor) => dropout(x, rate, seed);
          return [y(noise(dims, 1)), tf.grad(y)(noise(dims, 1), noise(dims, 2))];
        };
        const expected = await on('cpu', drop);
        const actual = await on('wasm', drop);
        for (let i = 0; i < 2; i++) expect(differenceOf(actual[i], expected[i])).toBeLessThan(1e-6);
      }),
      { numRuns: runs(100) },
    );
  });

  test('drop the requested share', async () => {
    const [{ values }] = await on('wasm', () => [dropout(tf.ones([100_000]), 0.2, 7)]);
    const kept = Array.from(values).filter((value) => value !== 0);
    expect(kept.length / values.length).toBeCloseTo(0.8, 2);
    expect(kept[0]).toBeCloseTo(1.25, 6);
  });
});

describe.each(PATHS.filter((path) => path !== 'composed'))('Adam on the %s path', (path) => {
  beforeAll(() => startOn(path));

  test('takes the steps of the published algorithm', async () => {
    await tf.setBackend('wasm');
    const [beta1, beta2, epsilon, learningRate, weightDecay] = [0.9, 0.999, 1e-7, 0.01, 0.1];
    const count = 11;
    const variable = tf.variable(noise([count], 1));
    const [m, v] = [tf.zeros([count]), tf.zeros([count])];
    const weights = Float64Array.from(variable.dataSync());
    const [mean, square] = [new Float64Array(count), new Float64Array(count)];
    for (let step = 1; step <= 5; step++) {
      const gradient = noise([count], 10 + step);
      const g = gradient.dataSync();
      expect(adamStep(variable, gradient, m, v, { learningRate, weightDecay, step })).toBe(true);
      for (let i = 0; i < count; i++) {
        mean[i] = beta1 * mean[i] + (1 - beta1) * g[i];
        square[i] = beta2 * square[i] + (1 - beta2) * g[i] ** 2;
        const change = mean[i] / (1 - beta1 ** step) / (Math.sqrt(square[i] / (1 - beta2 ** step)) + epsilon);
        weights[i] -= learningRate * weightDecay * weights[i] + learningRate * change;
      }
      gradient.dispose();
    }
    const actual = variable.dataSync();
    weights.forEach((weight, i) => {
      expect(Math.abs(actual[i] - weight)).toBeLessThan(1e-5);
    });
    tf.dispose([variable, m, v]);
  });

  test('changes nothing on another backend', async () => {
    await tf.setBackend('cpu');
    const tensors = [1, 2, 3, 4].map((phase) => noise([3], phase));
    const variable = tf.variable(tensors[0]);
    expect(adamStep(variable, tensors[1], tensors[2], tensors[3], { learningRate: 1, step: 1 })).toBe(false);
    expect([...variable.dataSync()]).toEqual([...tensors[0].dataSync()]);
    tf.dispose([variable, ...tensors]);
  });
});
