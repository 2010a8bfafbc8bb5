import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { composedAveragePool, composedAveragePoolGradient } from '../../../src/tfjs/kernels/composed.js';
import fc from '../../fast-check.js';
import { runs } from '../../night.js';
import { differenceOf, noise, on, PATHS, startOn } from './paths.js';

describe.each(PATHS)('max-pooling on the %s path', (path) => {
  beforeAll(() => startOn(path));

  test('and its gradient equal those of the cpu backend, ties too', async () => {
    await fc.assert(
      fc.asyncProperty(pooling, async ({ n, height, width, channels, window, strides, pad, levels }) => {
        fc.pre(pad !== 'valid' || (height >= window[0] && width >= window[1]));
        const pools = () => {
          // A few levels only: windows full of equal values.
          const x = tf.round(tf.mul(noise([n, height, width, channels], 1), levels)) as tf.Tensor4D;
          const y = tf.maxPool(x, window, strides, pad);
          const dy = noise(y.shape, 2);
          const attrs = { filterSize: window, strides, pad };
          return [y, tf.engine().runKernel('MaxPoolGrad', { dy, input: x, output: y }, attrs) as tf.Tensor];
        };
        const expected = await on('cpu', pools);
        const actual = await on('wasm', pools);
        expect(differenceOf(actual[0], expected[0])).toBe(0);
        expect(differenceOf(actual[1], expected[1])).toBeLessThan(1e-6);
      }),
      { numRuns: runs(400) },
    );
  });

  test('gives the gradient to the first of equal values', async () => {
    await tf.setBackend('wasm');
    tf.tidy(() => {
      const gradient = tf.grad((x) => tf.maxPool(x as tf.Tensor4D, 2, 2, 'valid'));
      expect([...gradient(tf.ones([1, 2, 2, 4])).dataSync()]).toEqual([1, 1, 1, 1, ...Array(12).fill(0)]);
      expect([...gradient(tf.ones([1, 2, 2, 1])).dataSync()]).toEqual([1, 0, 0, 0]);
    });
  });

  test.skipIf(path === 'composed')('passes not-a-numbers over', async () => {
    await tf.setBackend('wasm');
    tf.tidy(() => {
      const x = tf.tensor4d([Number.NaN, 3, 1, 2], [1, 2, 2, 1]);
      const gradient = tf.grad((a) => tf.maxPool(a as tf.Tensor4D, 2, 2, 'valid'));
      expect([...tf.maxPool(x, 2, 2, 'valid').dataSync()]).toEqual([3]);
      expect([...gradient(x).dataSync()]).toEqual([0, 1, 0, 0]);
    });
  });
});

const size = (max: number) => fc.integer({ min: 1, max });
describe.each(PATHS)('average pooling on the %s path', (path) => {
  beforeAll(() => startOn(path));

  test('and its gradient are means over the pixels in each window', async () => {
    await fc.assert(
      fc.asyncProperty(pooling, async ({ n, height, width, channels, window, strides, pad }) => {
        fc.pre(pad !== 'valid' || (height >= window[0] && width >= window[1]));
        const shape: [number, number, number, number] = [n, height, width, channels];
        const info = tf.backend_util.computePool2DInfo(shape, window, strides, 1, pad);
        const [x, dy] = [() => noise(shape, 1) as tf.Tensor4D, () => noise(info.outShape, 2) as tf.Tensor4D];
        const expected = await on('cpu', () => [
          composedAveragePool(x(), info),
          composedAveragePoolGradient(dy(), info),
        ]);
        const pool = (a: tf.Tensor) => tf.avgPool(a as tf.Tensor4D, window, strides, pad);
        const actual = await on('wasm', () => [pool(x()), tf.grad(pool)(x(), dy())]);
        for (const i of [0, 1]) expect(differenceOf(actual[i], expected[i])).toBeLessThan(1e-5);
      }),
      { numRuns: runs(200) },
    );
  });
});

const pooling = fc.record({
  n: size(3),
  height: size(9),
  width: size(9),
  channels: size(9),
  window: fc.oneof(fc.constant<[number, number]>([2, 2]), fc.tuple(size(4), size(4))),
  strides: fc.oneof(fc.constant<[number, number]>([2, 2]), fc.tuple(size(3), size(3))),
  pad: fc.constantFrom('same' as const, 'valid' as const),
  levels: fc.constantFrom(1, 2, 1000),
});
