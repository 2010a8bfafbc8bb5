import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test, vi } from 'vitest';
import { registerTrainingKernels } from '../../../src/kernels.js';
import { nativeOn } from '../../../src/tfjs/kernels/native.js';

describe('registering before TF.js has a wasm backend', () => {
  test('takes effect when it starts', async () => {
    expect(tf.findBackendFactory('wasm')).toBeFalsy();
    const registered = registerTrainingKernels();
    await import('@tensorflow/tfjs-backend-wasm');
    await import('@tensorflow/tfjs-layers');
    const plain = tf.getKernel('Conv2DBackpropInput', 'wasm');
    await tf.setBackend('wasm');
    expect(tf.getKernel('Conv2DBackpropInput', 'wasm')).not.toBe(plain);

    const { path } = await registered;
    expect(path).not.toBe('composed');
    expect(nativeOn(tf.backend())).not.toBeNull();
    const [dx, df] = tf.tidy(() => {
      const y = (x: tf.Tensor, filter: tf.Tensor) =>
        tf.relu(tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, 'valid'));
      const gradients = tf.grads(y)([tf.ones([1, 2, 2, 1]), tf.ones([2, 2, 1, 1])], tf.ones([1, 1, 1, 1]));
      return gradients.map((gradient) => [...gradient.dataSync()]);
    });
    expect(dx).toEqual([1, 1, 1, 1]);
    expect(df).toEqual([1, 1, 1, 1]);
  });
});

test('two copies of this package leave the kernels as they are when the backend starts again', async () => {
  vi.resetModules();
  const copy = await import('../../../src/kernels.js');
  expect(copy.registerTrainingKernels).not.toBe(registerTrainingKernels);
  await copy.registerTrainingKernels();
  const kernels = () => tf.getKernelsForBackend('wasm');
  const before = kernels();
  const factory = tf.findBackendFactory('wasm');
  for (let start = 0; start < 2; start++) {
    tf.removeBackend('wasm');
    tf.registerBackend('wasm', factory);
    await tf.setBackend('wasm');
    expect([...tf.matMul(tf.ones([2, 3]), tf.ones([3, 2])).dataSync()]).toEqual([3, 3, 3, 3]);
  }
  expect(kernels().filter((kernel, i) => kernel !== before[i])).toEqual([]);
});
