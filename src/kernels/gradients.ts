import * as tf from '@tensorflow/tfjs-core';
import type { ConvAttributes } from './conv-info.js';
import { einsumGradient } from './einsum.js';

/**
 * Gradients that TF.js's core has for all backends, and that are better on wasm with kernels of ours; on other backends
 * they are what they were. Nothing happens to a gradient that core has not registered (yet).
 */
export function registerGradients(): void {
  for (const config of OWN) if (tf.getGradient(config.kernelName) === undefined) tf.registerGradient(config);
  replace('Relu', (plain) => (dy, saved, attrs) => {
    if (tf.getBackend() !== 'wasm') return plain(dy, saved, attrs);
    const [x] = saved;
    return { x: () => tf.engine().runKernel('FerReluGradient', { x, dy: dy as tf.Tensor }) as tf.Tensor };
  });
  // Core refuses the gradients of dilated convolutions, since its kernels have no parameter for it; ours have.
  replace('Conv2D', (plain) => (dy, saved, attrs) => {
    if (!isDilated(attrs) || tf.getBackend() !== 'wasm') return plain(dy, saved, attrs);
    const [x, filter] = saved;
    return {
      x: () => run('Conv2DBackpropInput', { dy: dy as tf.Tensor, filter }, { ...attrs, inputShape: x.shape }),
      filter: () => run('Conv2DBackpropFilter', { x, dy: dy as tf.Tensor }, { ...attrs, filterShape: filter.shape }),
    };
  });
  replace('Conv2DBackpropInput', (plain) => (ddx, saved, attrs) => {
    if (!isDilated(attrs) || tf.getBackend() !== 'wasm') return plain(ddx, saved, attrs);
    const [dy, filter] = saved;
    return {
      dy: () => run('Conv2D', { x: ddx as tf.Tensor, filter }, attrs),
      filter: () => run('Conv2DBackpropFilter', { x: ddx as tf.Tensor, dy }, { ...attrs, filterShape: filter.shape }),
    };
  });
  replace('DepthwiseConv2dNative', (plain) => (dy, saved, attrs) => {
    if (!isDilated(attrs) || tf.getBackend() !== 'wasm') return plain(dy, saved, attrs);
    const [x, filter] = saved;
    const name = 'DepthwiseConv2dNativeBackprop';
    return {
      x: () => run(`${name}Input`, { dy: dy as tf.Tensor, filter }, { ...attrs, inputShape: x.shape }),
      filter: () => run(`${name}Filter`, { x, dy: dy as tf.Tensor }, { ...attrs, filterShape: filter.shape }),
    };
  });
}

// --- below this line: helpers of this file alone ---

/** Gradients of kernels of our own, and those that core has none of. */
const OWN: tf.GradConfig[] = [
  einsumGradient,
  {
    kernelName: 'FerReluGradient',
    inputsToSave: ['x'],
    gradFunc: (ddx, [x]) => ({
      x: () => tf.zerosLike(x),
      dy: () => run('FerReluGradient', { x, dy: ddx as tf.Tensor }),
    }),
  },
  {
    kernelName: 'FerDropout',
    gradFunc: (dy, _, attrs) => ({ x: () => run('FerDropout', { x: dy as tf.Tensor }, attrs) }),
  },
];

function run(name: string, inputs: Record<string, tf.Tensor>, attrs: object = {}): tf.Tensor {
  return tf.engine().runKernel(name, inputs, attrs as tf.NamedAttrMap) as tf.Tensor;
}

function isDilated(attrs: tf.NamedAttrMap): boolean {
  const { dilations } = attrs as unknown as ConvAttributes;
  return [dilations ?? 1].flat().some((dilation) => dilation !== 1);
}

const ours = new Map<string, tf.GradConfig>();

function replace(kernelName: string, make: (plain: tf.GradFunc) => tf.GradFunc): void {
  const present = tf.getGradient(kernelName);
  if (present === undefined || present === ours.get(kernelName)) return;
  const config: tf.GradConfig = { ...present, gradFunc: make(present.gradFunc) };
  tf.unregisterGradient(kernelName);
  tf.registerGradient(config);
  ours.set(kernelName, config);
}
