import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import '@tensorflow/tfjs-layers';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { registerTrainingKernels } from '../../src/kernels/index.js';

beforeAll(async () => {
  void registerTrainingKernels();
  await tf.setBackend('wasm');
});

describe.each(['full', 'depthwise'])('gradients of a %s convolution on wasm', (kind) => {
  test('equal those of the cpu backend for random sizes, strides and paddings', async () => {
    await fc.assert(
      fc.asyncProperty(convolution, async ({ n, height, width, channels, outputs, filter, strides, pad }) => {
        const fits = pad === 'same' || (height >= filter[0] && width >= filter[1]);
        fc.pre(fits && (kind === 'full' || strides[0] === strides[1]));
        const gradients = () =>
          tf.tidy(() => {
            const x = tf.randomUniform([n, height, width, channels], -1, 1, 'float32', 1);
            const kernel = tf.randomUniform([...filter, channels, outputs], -1, 1, 'float32', 2);
            const convolve = kind === 'full' ? tf.conv2d : tf.depthwiseConv2d;
            const y = (a: tf.Tensor, f: tf.Tensor) => convolve(a as tf.Tensor4D, f as tf.Tensor4D, strides, pad);
            const dy = tf.randomUniform(y(x, kernel).shape, -1, 1, 'float32', 3);
            return tf
              .grads(y)([x, kernel], dy)
              .map((gradient) => [...gradient.dataSync()]);
          });
        const [expectedDx, expectedDk] = await on('cpu', gradients);
        const [dx, dk] = await on('wasm', gradients);
        expect(differenceOf(dx, expectedDx)).toBeLessThan(1e-4);
        expect(differenceOf(dk, expectedDk)).toBeLessThan(1e-4);
      }),
      { numRuns: 200 },
    );
  });
});

// --- below this line: helpers of this file alone ---

const size = (max: number) => fc.integer({ min: 1, max });
const convolution = fc.record({
  n: size(3),
  height: size(9),
  width: size(9),
  channels: size(6),
  outputs: size(6),
  filter: fc.tuple(size(4), size(4)),
  strides: fc.tuple(size(3), size(3)),
  pad: fc.oneof(fc.constantFrom('same' as const, 'valid' as const)),
});

async function on<T>(backend: string, work: () => T): Promise<T> {
  await tf.setBackend(backend);
  return work();
}

/** Largest difference, relative to the largest expected magnitude (at least 1). */
function differenceOf(actual: number[], expected: number[]): number {
  const scale = Math.max(1, ...expected.map(Math.abs));
  return Math.max(...expected.map((value, i) => Math.abs(value - actual[i]))) / scale;
}
