import * as tf from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, test } from 'vitest';
import { differenceOf, noise, on, PATHS, startOn } from './paths.js';

describe.each(PATHS)('gradients on the %s path', (path) => {
  beforeAll(() => startOn(path));

  test('of gradients: the penalty of WGAN-GP has those of the cpu backend', async () => {
    const penalty = () => {
      const critic = (x: tf.Tensor, filter: tf.Tensor, weights: tf.Tensor) => {
        const hidden = tf.relu(tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, 'same'));
        return tf.sum(tf.matMul(tf.relu(tf.reshape(hidden, [2, 64])), weights as tf.Tensor2D)) as tf.Scalar;
      };
      const loss = (x: tf.Tensor, filter: tf.Tensor, weights: tf.Tensor) => {
        const slope = tf.grad((image) => critic(image, filter, weights))(x);
        const length = tf.sqrt(tf.sum(tf.square(slope), [1, 2, 3]));
        return tf.mean(tf.square(tf.sub(length, 1))) as tf.Scalar;
      };
      const inputs = [noise([2, 4, 4, 3], 1), noise([3, 3, 3, 4], 2), noise([64, 1], 3)];
      return [loss(inputs[0], inputs[1], inputs[2]), ...tf.grads(loss)(inputs)];
    };
    const expected = await on('cpu', penalty);
    const actual = await on('wasm', penalty);
    expect(Math.max(...Array.from(expected[2].values, Math.abs))).toBeGreaterThan(0.01);
    for (let i = 0; i < expected.length; i++) expect(differenceOf(actual[i], expected[i])).toBeLessThan(1e-4);
  });

  test.each([
    ['avgPool, same', (x: tf.Tensor) => tf.avgPool(x as tf.Tensor4D, 3, 2, 'same')],
    ['avgPool, numbers', (x: tf.Tensor) => tf.avgPool(x as tf.Tensor4D, [2, 3], 2, 1, 'floor')],
    ['avgPool, ceil', (x: tf.Tensor) => tf.avgPool(x as tf.Tensor4D, 2, 2, 0, 'ceil')],
    [
      'conv2d, ceil',
      (x: tf.Tensor) => tf.conv2d(x as tf.Tensor4D, noise([2, 2, 2, 3], 7) as tf.Tensor4D, 2, 0, 'NHWC', 1, 'ceil'),
    ],
    [
      'depthwise, window narrower than its stride',
      (x: tf.Tensor) => tf.depthwiseConv2d(x as tf.Tensor4D, noise([1, 3, 2, 2], 7) as tf.Tensor4D, 2, 'same'),
    ],
    ['dilation2d', (x: tf.Tensor) => tf.dilation2d(x as tf.Tensor4D, noise([2, 2, 2], 7) as tf.Tensor3D, 1, 'same')],
    ['avgPool3d, same', (x: tf.Tensor) => tf.avgPool3d(tf.reshape<tf.Rank.R5>(x, [1, 2, 5, 5, 2]), 3, 2, 'same')],
    ['einsum over an axis of its own', (x: tf.Tensor) => tf.einsum('nhwc,cd->hd', x, noise([2, 3], 7))],
    ['einsum of one tensor', (x: tf.Tensor) => tf.einsum('nhwc->cn', x)],
  ])('of %s are its differences', async (_, op) => {
    await tf.setBackend('wasm');
    const [gradient, differences] = tf.tidy(() => {
      const x = noise([2, 5, 5, 2], 1);
      const weighted = (image: tf.Tensor) => {
        const y = op(image);
        return tf.sum(tf.mul(y, noise(y.shape, 9))) as tf.Scalar;
      };
      const step = 1 / 64;
      const values = x.dataSync();
      const moved = Array.from(values, (_value, i) => {
        const at = (by: number) => {
          const near = Float32Array.from(values);
          near[i] += by;
          return tf.tidy(() => weighted(tf.tensor(near, x.shape)).dataSync()[0]);
        };
        return (at(step) - at(-step)) / (2 * step);
      });
      return [tf.grad(weighted)(x).dataSync(), moved];
    });
    const actual = { shape: [100], values: gradient };
    expect(differenceOf(actual, { shape: [100], values: differences })).toBeLessThan(1e-3);
  });

  test('reach what was gathered: an embedding learns', async () => {
    await tf.setBackend('wasm');
    const model = sequential({
      layers: [
        layers.embedding({ inputDim: 10, outputDim: 4, inputLength: 5 }),
        layers.flatten(),
        layers.dense({ units: 2, activation: 'softmax' }),
      ],
    });
    model.compile({ optimizer: 'adam', loss: 'categoricalCrossentropy' });
    const before = model.layers[0].getWeights()[0].dataSync();
    await model.fit(tf.zeros([4, 5]), tf.oneHot(tf.tensor1d([0, 1, 1, 1], 'int32'), 2), { verbose: 0 });
    const after = model.layers[0].getWeights()[0].dataSync();
    const changed = Array.from(after, (value, i) => value !== before[i]);
    // Of ten rows the first alone was looked up.
    expect(changed).toEqual([...Array(4).fill(true), ...Array(36).fill(false)]);
  });

  test('products and maxima of integers stay integers', async () => {
    await tf.setBackend('wasm');
    tf.tidy(() => {
      const x = tf.tensor4d([1, -2, 3, 4], [1, 2, 2, 1], 'int32');
      const most = tf.maxPool(x, 2, 2, 'valid');
      const product = tf.matMul(tf.tensor2d([[1, 2]], [1, 2], 'int32'), tf.tensor2d([[3], [4]], [2, 1], 'int32'));
      expect([most.dtype, ...most.dataSync()]).toEqual(['int32', 4]);
      expect([product.dtype, ...product.dataSync()]).toEqual(['int32', 11]);
    });
  });
});
