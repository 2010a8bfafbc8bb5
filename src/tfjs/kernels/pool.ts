import * as tf from '@tensorflow/tfjs-core';
import { asFloats, checkRank, checkShape } from './checks.js';
import {
  composedAveragePool,
  composedAveragePoolGradient,
  composedMaxPool,
  composedMaxPoolGradient,
} from './composed.js';
import type { ConvAttributes, ConvInfo, Pair } from './conv-info.js';
import { filterNarrowerThanStride, isEmpty } from './convolution.js';
import { addressOf, nativeOn, type WasmBackend } from './native.js';
import type { Kernel } from './override.js';

type PoolAttributes = Omit<ConvAttributes, 'dataFormat' | 'dilations'> & { filterSize: Pair };

/** `MaxPool`. */
export const maxPool: Kernel = ({ inputs, attrs, backend }, plain) => {
  checkRank('MaxPool', 'x', inputs.x, 4);
  const attributes = attrs as unknown as PoolAttributes;
  const info = poolInfoOf(inputs.x.shape, attributes);
  if (isEmpty(info)) return tf.zeros(info.outShape);
  if (isIdentity(info)) return tf.clone(inputs.x);
  const x = asFloats(inputs.x as tf.Tensor4D);
  const native = nativeOn(backend);
  if (native === null) {
    const suits = typeof attributes.pad === 'string' && !filterNarrowerThanStride(info);
    if (suits && x === inputs.x) return plain();
    return tf.cast(composedMaxPool(x, info), inputs.x.dtype);
  }
  const out = (backend as WasmBackend).makeOutput(info.outShape, 'float32');
  native.maxPool(addressOf(backend, x), addressOf(backend, out), ...sizes(info));
  return x === inputs.x ? out : tf.cast(tf.engine().makeTensorFromTensorInfo(out), inputs.x.dtype);
};

/** `MaxPoolGrad`: of equal values in a window the first gets the gradient, as on TF.js's cpu backend. */
export const maxPoolGrad: Kernel = ({ inputs, attrs, backend }) => {
  checkRank('MaxPoolGrad', 'input', inputs.input, 4);
  checkShape('MaxPoolGrad', 'output', inputs.output, inputs.dy.shape);
  const info = gradientInfoOf('MaxPoolGrad', inputs.input.shape, inputs.dy, attrs as unknown as PoolAttributes);
  if (isEmpty(info)) return tf.zeros(info.inShape);
  if (isIdentity(info)) return tf.clone(inputs.dy);
  const [dy, input, output] = [inputs.dy, inputs.input, inputs.output].map((x) => asFloats(x as tf.Tensor4D));
  const native = nativeOn(backend);
  if (native === null) return composedMaxPoolGradient(dy, input, output, info);
  const out = (backend as WasmBackend).makeOutput(info.inShape, 'float32');
  native.maxPoolGradient(addressOf(backend, input), addressOf(backend, dy), addressOf(backend, out), ...sizes(info));
  return out;
};

/** `AvgPool`: the mean of the values inside a window; padding does not count. */
export const avgPool: Kernel = ({ inputs, attrs, backend }, plain) => {
  checkRank('AvgPool', 'x', inputs.x, 4);
  const attributes = attrs as unknown as PoolAttributes;
  const info = poolInfoOf(inputs.x.shape, attributes);
  if (isEmpty(info)) return tf.zeros(info.outShape);
  if (isIdentity(info)) return tf.clone(inputs.x);
  const x = asFloats(inputs.x as tf.Tensor4D);
  const native = nativeOn(backend);
  if (native !== null) {
    const out = (backend as WasmBackend).makeOutput(info.outShape, 'float32');
    native.averagePool(addressOf(backend, x), addressOf(backend, out), ...sizes(info));
    return out;
  }
  const suits = typeof attributes.pad === 'string' && !filterNarrowerThanStride(info);
  return suits && x === inputs.x ? plain() : composedAveragePool(x, info);
};

/** `AvgPoolGrad`. TF.js's own divides by the full size of the window even at the border, where it has fewer values. */
export const avgPoolGrad: Kernel = ({ inputs, attrs, backend }) => {
  checkRank('AvgPoolGrad', 'input', inputs.input, 4);
  const info = gradientInfoOf('AvgPoolGrad', inputs.input.shape, inputs.dy, attrs as unknown as PoolAttributes);
  if (isEmpty(info)) return tf.zeros(info.inShape);
  if (isIdentity(info)) return tf.clone(inputs.dy);
  const dy = asFloats(inputs.dy as tf.Tensor4D);
  const native = nativeOn(backend);
  if (native === null) return composedAveragePoolGradient(dy, info);
  const out = (backend as WasmBackend).makeOutput(info.inShape, 'float32');
  native.averagePoolGradient(addressOf(backend, dy), addressOf(backend, out), ...sizes(info));
  return out;
};

/** If windows are one pixel and as many as there are pixels, the output is the image, with any padding; TF.js does the same. */
function isIdentity({ filterHeight, filterWidth, inShape, outShape }: ConvInfo): boolean {
  return filterHeight === 1 && filterWidth === 1 && tf.util.arraysEqual(inShape, outShape);
}

function poolInfoOf(inShape: number[], { filterSize, strides, pad, dimRoundingMode }: PoolAttributes): ConvInfo {
  const shape = inShape as [number, number, number, number];
  return tf.backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
}

/** TF.js's gradients do not pass `dimRoundingMode`: it is the mode that gives the sizes of `dy`. */
function gradientInfoOf(kernel: string, inShape: number[], dy: tf.TensorInfo, attributes: PoolAttributes): ConvInfo {
  const roundings = [attributes.dimRoundingMode, 'ceil', 'round'] as const;
  const infos = roundings.map((dimRoundingMode) => poolInfoOf(inShape, { ...attributes, dimRoundingMode }));
  const fitting = infos.find(({ outShape }) => tf.util.arraysEqual(outShape, dy.shape));
  if (fitting === undefined) checkShape(kernel, 'dy', dy, infos[0].outShape);
  return fitting ?? infos[0];
}

function sizes(info: ConvInfo): number[] {
  return [
    ...[info.batchSize, info.inHeight, info.inWidth, info.inChannels, info.outHeight, info.outWidth],
    ...[info.filterHeight, info.filterWidth, info.strideHeight, info.strideWidth, info.padInfo.top, info.padInfo.left],
  ];
}
