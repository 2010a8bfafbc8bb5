import * as tf from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, test } from 'vitest';
import { differenceOf, noise, on, PATHS, startOn } from './paths.js';

const kernel = (x: tf.Tensor) => tf.engine().runKernel('FerSwish', { x }) as tf.Tensor;
const plain = (x: tf.Tensor) => tf.mul(x, tf.sigmoid(x));

describe.each(PATHS)('swish on the %s path', (path) => {
  beforeAll(() => startOn(path));

  test.each([1, 10, 80])('has the values and gradients of its parts up to %d', async (scale) => {
    const both = (f: (x: tf.Tensor) => tf.Tensor) => () => {
      const x = tf.mul(noise([7, 31], 1), scale);
      return [f(x), tf.grad(f)(x, noise([7, 31], 2))];
    };
    const expected = await on('cpu', both(plain));
    const actual = await on('wasm', both(kernel));
    for (const i of [0, 1]) expect(differenceOf(actual[i], expected[i])).toBeLessThan(1e-6);
  });

  test('is 0 far below, x far above, and half the slope at 0', async () => {
    await tf.setBackend('wasm');
    tf.tidy(() => {
      expect([...kernel(tf.tensor1d([-200, 0, 200])).dataSync()]).toEqual([expect.closeTo(0, 6), 0, 200]);
      const slopes = tf
        .grad(kernel)(tf.tensor1d([-200, 0, 200]))
        .dataSync();
      expect([...slopes]).toEqual([expect.closeTo(0, 6), 0.5, 1]);
      expect(kernel(tf.tensor1d([Number.NaN])).dataSync()[0]).toBeNaN();
    });
  });

  // TF.js's own second derivative through `sigmoid` leaves a term out: the expected values are those of the formula.
  test('has second derivatives', async () => {
    await tf.setBackend('wasm');
    tf.tidy(() => {
      const x = noise([3, 5], 1);
      const actual = tf
        .grad((a) => tf.sum(tf.square(tf.grad(kernel)(a))))(x)
        .dataSync();
      x.dataSync().forEach((value, i) => {
        const share = 1 / (1 + Math.exp(-value));
        const slope = share * (1 + value * (1 - share));
        const bend = share * (1 - share) * (2 + value * (1 - 2 * share));
        expect(actual[i]).toBeCloseTo(2 * slope * bend, 5);
      });
    });
  });

  test('as the activation of a layer trains as on the cpu backend', async () => {
    const gradients = () => {
      const model = sequential({
        layers: [
          layers.conv2d({ inputShape: [5, 5, 3], filters: 8, kernelSize: 3, activation: 'swish' }),
          layers.activation({ activation: 'swish' }),
        ],
      });
      const weights = model.getWeights().map((weight, i) => noise(weight.shape, i + 1));
      model.setWeights(weights);
      const loss = () => tf.sum(model.apply(noise([2, 5, 5, 3], 9), { training: true }) as tf.Tensor) as tf.Scalar;
      const { value, grads } = tf.variableGrads(loss);
      return [value, ...Object.values(grads)];
    };
    const expected = await on('cpu', gradients);
    const actual = await on('wasm', gradients);
    expect(actual).toHaveLength(3);
    actual.forEach((values, i) => {
      expect(differenceOf(values, expected[i])).toBeLessThan(1e-5);
    });
  });
});
