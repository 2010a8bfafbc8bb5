import * as tf from '@tensorflow/tfjs-core';
import { batchNormGradient } from './batch-norm.js';
import { batchNormTrainingGradients } from './batch-norm-training.js';
import type { ConvAttributes } from './conv-info.js';
import { einsumGradient } from './einsum.js';
import { ABOVE_ZERO } from './elementwise.js';
import { nestedGradients } from './nested-gradients.js';
import { swishGradients } from './swish.js';

/**
 * Replaces gradients of TF.js core by better ones on wasm, which use our kernels. On other backends they stay as they are.
 * Gradients that core has not registered (yet) are skipped.
 */
export function registerGradients(): void {
  for (const config of OWN) if (tf.getGradient(config.kernelName) === undefined) tf.registerGradient(config);
  replace(
    'Relu',
    (plain) => (dy, saved, attrs) => {
      if (tf.getBackend() !== 'wasm') return plain(dy, saved, attrs);
      return { x: () => run('FerReluGradient', { x: saved[0], dy: dy as tf.Tensor }) };
    },
    reluSaves,
  );
  replace('Relu6', (plain) => (dy, saved, attrs) => {
    if (tf.getBackend() !== 'wasm') return plain(dy, saved, attrs);
    return { x: () => run('FerClipGradient', { x: saved[0], dy: dy as tf.Tensor }, { low: ABOVE_ZERO, high: 6 }) };
  });
  replace('ClipByValue', (plain) => (dy, saved, attrs) => {
    if (tf.getBackend() !== 'wasm') return plain(dy, saved, attrs);
    const { clipValueMin: low, clipValueMax: high } = attrs as { clipValueMin: number; clipValueMax: number };
    return { x: () => run('FerClipGradient', { x: saved[0], dy: dy as tf.Tensor }, { low, high }) };
  });
  // Core multiplies by a tensor of ones.
  replace('Sum', (plain) => (dy, saved, attrs) => {
    if (tf.getBackend() !== 'wasm') return plain(dy, saved, attrs);
    const [x] = saved;
    return { x: () => spreadOver(dy as tf.Tensor, x.shape, attrs.axis as number[]) };
  });
  replace('Mean', (plain) => (dy, saved, attrs) => {
    if (tf.getBackend() !== 'wasm') return plain(dy, saved, attrs);
    const [x] = saved;
    const share = () => tf.mul(dy as tf.Tensor, (dy as tf.Tensor).size / x.size);
    return { x: () => spreadOver(share(), x.shape, attrs.axis as number[]) };
  });
  // Core adds one slice per repetition, for at most four axes.
  replace('Tile', (plain) => (dy, saved, attrs) => {
    if (tf.getBackend() !== 'wasm') return plain(dy, saved, attrs);
    const [x] = saved;
    return { x: () => sumOfTiles(dy as tf.Tensor, x.shape, attrs.reps as number[]) };
  });
  replace('FusedBatchNorm', (plain) => (dy, saved, attrs) => {
    const [x, mean, variance, scale] = saved;
    const vectors = [mean, variance, scale ?? mean].every((vector) => vector.shape.length === 1);
    if (tf.getBackend() !== 'wasm' || !vectors || x.size === 0) return plain(dy, saved, attrs);
    const inputs = { x, dy: dy as tf.Tensor, mean, variance, scale: scale ?? tf.onesLike(mean) };
    const gradients = tf.engine().runKernel('FerBatchNormGradient', inputs, attrs) as unknown as tf.Tensor[];
    return {
      x: () => gradients[0],
      mean: () => gradients[1],
      variance: () => gradients[2],
      scale: () => gradients[3],
      offset: () => gradients[4],
    };
  });
  // Core refuses gradients of dilated convolutions, because its kernels have no parameter for dilation; ours have one.
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

/** Gradients of our own kernels, and of kernels for which core has none. */
const OWN: tf.GradConfig[] = [
  einsumGradient,
  ...batchNormTrainingGradients,
  ...swishGradients,
  {
    kernelName: 'FerReluGradient',
    inputsToSave: ['x'],
    gradFunc: (ddx, [x]) => ({
      x: () => tf.zerosLike(x),
      dy: () => run('FerReluGradient', { x, dy: ddx as tf.Tensor }),
    }),
  },
  {
    kernelName: 'FerClipGradient',
    inputsToSave: ['x'],
    gradFunc: (ddx, [x], attrs) => ({
      x: () => tf.zerosLike(x),
      dy: () => run('FerClipGradient', { x, dy: ddx as tf.Tensor }, attrs),
    }),
  },
  {
    kernelName: 'FerBatchNormGradient',
    inputsToSave: ['x', 'dy', 'mean', 'variance', 'scale'],
    gradFunc(seconds, saved, attrs) {
      const weighted = (...inputs: tf.Tensor[]) => {
        const [x, dy, mean, variance, scale] = inputs;
        const firsts = batchNormGradient(x, dy, mean, variance, scale, attrs.varianceEpsilon as number);
        const terms = firsts.map((first, i) => tf.sum(tf.mul(first, (seconds as tf.Tensor[])[i])));
        return tf.addN(terms) as tf.Scalar;
      };
      const [x, dy, mean, variance, scale] = nestedGradients(weighted, saved);
      return { x: () => x, dy: () => dy, mean: () => mean, variance: () => variance, scale: () => scale };
    },
  },
  {
    kernelName: 'FerDropout',
    gradFunc: (dy, _, attrs) => ({ x: () => run('FerDropout', { x: dy as tf.Tensor }, attrs) }),
  },
];

function run(name: string, inputs: Record<string, tf.Tensor>, attrs: object = {}): tf.Tensor {
  return tf.engine().runKernel(name, inputs, attrs as tf.NamedAttrMap) as tf.Tensor;
}

/** The gradient of a sum: every summed value gets the same gradient. */
function spreadOver(dy: tf.Tensor, shape: number[], axis: number | number[]): tf.Tensor {
  const axes = tf.util.parseAxisParam(axis, shape);
  const kept = shape.map((size, i) => (axes.includes(i) ? 1 : size));
  const reps = shape.map((size, i) => (axes.includes(i) ? size : 1));
  return tf.tile(tf.reshape(dy, kept), reps);
}

function sumOfTiles(dy: tf.Tensor, shape: number[], reps: number[]): tf.Tensor {
  // Splits every axis into repetitions and repeated values; axes of length 1 are dropped.
  const axes = shape.flatMap((size, i) => [
    { size: reps[i], repeats: true },
    { size, repeats: false },
  ]);
  const longer = axes.filter(({ size }) => size !== 1);
  const apart = tf.reshape(
    dy,
    longer.map(({ size }) => size),
  );
  const summed = longer.flatMap(({ repeats }, i) => (repeats ? [i] : []));
  return tf.reshape(summed.length === 0 ? apart : tf.sum(apart, summed), shape);
}

function isDilated(attrs: tf.NamedAttrMap): boolean {
  const { dilations } = attrs as unknown as ConvAttributes;
  return [dilations ?? 1].flat().some((dilation) => dilation !== 1);
}

/**
 * What `Relu` saves for its gradient. Its output is positive where its input is, and the next layer keeps the output
 * anyway. Gradients of gradients need the input: TF.js does not know where a saved output comes from.
 */
const reluSaves: Pick<tf.GradConfig, 'inputsToSave' | 'outputsToSave'> = {
  get inputsToSave() {
    return savesOutput() ? [] : ['x'];
  },
  get outputsToSave() {
    return savesOutput() ? [true] : [];
  },
};

function savesOutput(): boolean {
  return tf.getBackend() === 'wasm' && tf.engine().state.gradientDepth === 1;
}

const ours = new Map<string, tf.GradConfig>();

function replace(
  kernelName: string,
  make: (plain: tf.GradFunc) => tf.GradFunc,
  saves: Pick<tf.GradConfig, 'inputsToSave' | 'outputsToSave'> = {},
): void {
  const present = tf.getGradient(kernelName);
  if (present === undefined || present === ours.get(kernelName)) return;
  const config: tf.GradConfig = { ...present, gradFunc: make(present.gradFunc) };
  Object.defineProperties(config, Object.getOwnPropertyDescriptors(saves));
  tf.unregisterGradient(kernelName);
  tf.registerGradient(config);
  ours.set(kernelName, config);
}
