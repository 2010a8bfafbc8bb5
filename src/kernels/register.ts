import * as tf from '@tensorflow/tfjs-core';
import {
  composedDepthwiseFilterGradient,
  composedDepthwiseInputGradient,
  composedFilterGradient,
  composedInputGradient,
} from './composed.js';
import { type ConvAttributes, type ConvInfo, convInfoOf } from './convInfo.js';
import { type Kernel, override } from './override.js';

/** Which code the training kernels run. */
export interface TrainingKernels {
  /**
   * `relaxed-simd` and `simd`: WebAssembly of this package, on TF.js's own memory; `composed`: ops that TF.js's wasm
   * backend has, right but slower.
   */
  path: 'relaxed-simd' | 'simd' | 'composed';
  /** Why no faster path runs. */
  reason?: string;
}

/**
 * Gives TF.js's `wasm` backend what the training of convolutional nets needs: `Conv2DBackpropFilter`
 * (tensorflow/tfjs#8474) and the gradients of depthwise convolutions, for any batch, size, stride, padding and number of
 * channels. Other backends are left alone. The kernels are there as soon as the call returns its promise, before the
 * backend is started or after; calling again changes nothing.
 *
 * @returns The path that runs.
 * @example
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-wasm';
 * import { registerTrainingKernels } from 'fer-dcnn/kernels';
 *
 * await tf.setBackend('wasm');
 * const { path } = await registerTrainingKernels();
 * await model.fit(xs, ys);
 */
export async function registerTrainingKernels(): Promise<TrainingKernels> {
  override('Conv2DBackpropFilter', conv2DBackpropFilter, replaceSlow);
  override('DepthwiseConv2dNativeBackpropFilter', depthwiseBackpropFilter);
  override('DepthwiseConv2dNativeBackpropInput', depthwiseBackpropInput);
  // TF.js's own kernels are there once its wasm package is imported, which may be later than this call: then starting
  // the backend sets our first kernel up, and that replaces them.
  if (tf.getKernel('Conv2DBackpropInput', 'wasm') !== undefined) replaceSlow();
  return { path: 'composed', reason: 'this version has no other' };
}

// --- below this line: helpers of this file alone ---

function replaceSlow(): void {
  override('Conv2DBackpropInput', conv2DBackpropInput);
}

const conv2DBackpropFilter: Kernel = ({ inputs, attrs }) => {
  const { x, dy } = inputs as Record<string, tf.Tensor4D>;
  const info = convInfoOf(x.shape, attrs.filterShape as number[], attrs as unknown as ConvAttributes);
  return tf.tidy(() => composedFilterGradient(channelsLast(x, info), channelsLast(dy, info), info));
};

const conv2DBackpropInput: Kernel = ({ inputs, attrs }) => {
  const { dy, filter } = inputs as Record<string, tf.Tensor4D>;
  const info = convInfoOf(attrs.inputShape as number[], filter.shape, attrs as unknown as ConvAttributes);
  return tf.tidy(() => {
    const dx = composedInputGradient(channelsLast(dy, info), filter, info);
    return info.dataFormat === 'channelsLast' ? dx : tf.transpose(dx, [0, 3, 1, 2]);
  });
};

const depthwiseBackpropFilter: Kernel = ({ inputs, attrs }) => {
  const { x, dy } = inputs as Record<string, tf.Tensor4D>;
  const info = convInfoOf(x.shape, attrs.filterShape as number[], attrs as unknown as ConvAttributes, 'depthwise');
  return composedDepthwiseFilterGradient(x, dy, info);
};

const depthwiseBackpropInput: Kernel = ({ inputs, attrs }) => {
  const { dy, filter } = inputs as Record<string, tf.Tensor4D>;
  const inputShape = attrs.inputShape as number[];
  const info = convInfoOf(inputShape, filter.shape, attrs as unknown as ConvAttributes, 'depthwise');
  return composedDepthwiseInputGradient(dy, filter, info);
};

function channelsLast(x: tf.Tensor4D, info: ConvInfo): tf.Tensor4D {
  return info.dataFormat === 'channelsLast' ? x : tf.transpose(x, [0, 2, 3, 1]);
}
