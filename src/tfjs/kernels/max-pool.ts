import type * as tf from '@tensorflow/tfjs-core';
import { backend_util } from '@tensorflow/tfjs-core';
import { composedMaxPoolGradient } from './composed.js';
import type { ConvAttributes, ConvInfo, Pair } from './conv-info.js';
import { addressOf, nativeOn, type WasmBackend } from './native.js';
import type { Kernel } from './override.js';

type PoolAttributes = Omit<ConvAttributes, 'dataFormat' | 'dilations'> & { filterSize: Pair };

/** `MaxPool`. */
export const maxPool: Kernel = ({ inputs, attrs, backend }, plain) => {
  const { x } = inputs;
  const native = nativeOn(backend);
  if (native === null || x.dtype !== 'float32') return plain();

  const info = poolInfoOf(x.shape, attrs as unknown as PoolAttributes);
  const out = (backend as WasmBackend).makeOutput(info.outShape, 'float32');
  native.maxPool(addressOf(backend, x), addressOf(backend, out), ...sizes(info));
  return out;
};

/** `MaxPoolGrad`: of equal values in a window the first gets the gradient, as on TF.js's cpu backend. */
export const maxPoolGrad: Kernel = ({ inputs, attrs, backend }, plain) => {
  const { dy, input, output } = inputs as Record<string, tf.Tensor4D>;
  const native = nativeOn(backend);
  if (input.dtype !== 'float32') return plain();

  const info = poolInfoOf(input.shape, attrs as unknown as PoolAttributes);
  if (native === null) return composedMaxPoolGradient(dy, input, output, info);
  const out = (backend as WasmBackend).makeOutput(info.inShape, 'float32');
  native.maxPoolGradient(addressOf(backend, input), addressOf(backend, dy), addressOf(backend, out), ...sizes(info));
  return out;
};

// --- below this line: helpers of this file alone ---

function poolInfoOf(inShape: number[], { filterSize, strides, pad, dimRoundingMode }: PoolAttributes): ConvInfo {
  const shape = inShape as [number, number, number, number];
  return backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
}

function sizes(info: ConvInfo): number[] {
  return [
    ...[info.batchSize, info.inHeight, info.inWidth, info.inChannels, info.outHeight, info.outWidth],
    ...[info.filterHeight, info.filterWidth, info.strideHeight, info.strideWidth, info.padInfo.top, info.padInfo.left],
  ];
}
