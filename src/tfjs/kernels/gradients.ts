import * as tf from '@tensorflow/tfjs-core';
import type { ConvAttributes } from './conv-info.js';

/**
 * Gradients that TF.js's core has for all backends, and that are better on wasm with kernels of ours; on other backends
 * they are what they were. Nothing happens to a gradient that core has not registered (yet).
 */
export function registerGradients(): void {
  replace('Relu', (plain) => (dy, saved, attrs) => {
    if (tf.getBackend() !== 'wasm') return plain(dy, saved, attrs);
    const [x] = saved;
    return { x: () => tf.engine().runKernel('FerReluGradient', { x, dy: dy as tf.Tensor }) as tf.Tensor };
  });
  // Core refuses the gradient of a dilated convolution, since its kernels have no parameter for it; ours have.
  replace('Conv2D', (plain) => (dy, saved, attrs) => {
    const { dilations = 1, strides, pad, dataFormat } = attrs as unknown as ConvAttributes;
    const dilated = [dilations].flat().some((dilation) => dilation !== 1);
    if (!dilated || tf.getBackend() !== 'wasm') return plain(dy, saved, attrs);
    const [x, filter] = saved;
    const shared = { strides, pad, dataFormat, dilations } as unknown as tf.NamedAttrMap;
    const run = (name: string, inputs: Record<string, tf.Tensor>, shape: Record<string, number[]>) =>
      tf.engine().runKernel(name, inputs, { ...shared, ...shape }) as tf.Tensor;
    return {
      x: () => run('Conv2DBackpropInput', { dy: dy as tf.Tensor, filter }, { inputShape: x.shape }),
      filter: () => run('Conv2DBackpropFilter', { x, dy: dy as tf.Tensor }, { filterShape: filter.shape }),
    };
  });
}

// --- below this line: helpers of this file alone ---

const ours = new Map<string, tf.GradConfig>();

function replace(kernelName: string, make: (plain: tf.GradFunc) => tf.GradFunc): void {
  const present = tf.getGradient(kernelName);
  if (present === undefined || present === ours.get(kernelName)) return;
  const config: tf.GradConfig = { ...present, gradFunc: make(present.gradFunc) };
  tf.unregisterGradient(kernelName);
  tf.registerGradient(config);
  ours.set(kernelName, config);
}
