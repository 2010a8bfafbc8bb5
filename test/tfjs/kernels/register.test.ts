import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
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
