import * as tf from '@tensorflow/tfjs-core';
import { asFloats, checkFit, checkRank } from './checks.js';
import {
  composedDepthwiseConvolution,
  composedDepthwiseFilterGradient,
  composedDepthwiseInputGradient,
} from './composed.js';
import { type ConvAttributes, type ConvInfo, convInfoOf, convInfoOfGradient } from './conv-info.js';
import { channelsLast, filterNarrowerThanStride, inFormat, isEmpty } from './convolution.js';
import { addressOf, nativeOn, type WasmBackend, withScratch } from './native.js';
import type { Kernel } from './override.js';

/** `DepthwiseConv2dNative`. TF.js's own is wrong for filters narrower than their stride and for numeric padding. */
export const depthwiseConv2D: Kernel = ({ inputs, attrs, backend }, plain) => {
  const attributes = attrs as unknown as ConvAttributes;
  const kernel = 'DepthwiseConv2dNative';
  checkRank(kernel, 'x', inputs.x, 4);
  checkRank(kernel, 'filter', inputs.filter, 4);
  const info = convInfoOf(inputs.x.shape, inputs.filter.shape, attributes, 'depthwise');
  checkChannels(kernel, info, inputs.filter.shape);
  if (isEmpty(info)) return tf.zeros(info.outShape);

  const x = asFloats(channelsLast(inputs.x as tf.Tensor4D, info));
  const filter = asFloats(inputs.filter as tf.Tensor4D);
  const native = nativeOn(backend);
  if (native !== null) return inFormat(nativeConvolution(backend, x, filter, info), info);
  const untouched = x === inputs.x && filter === inputs.filter;
  if (untouched && typeof attributes.pad === 'string' && !filterNarrowerThanStride(info)) return plain();
  return inFormat(composedDepthwiseConvolution(x, filter, info), info);
};

/** `DepthwiseConv2dNativeBackpropFilter`. */
export const depthwiseBackpropFilter: Kernel = ({ inputs, attrs, backend }) => {
  const kernel = 'DepthwiseConv2dNativeBackpropFilter';
  const filterShape = attrs.filterShape as number[];
  checkRank(kernel, 'x', inputs.x, 4);
  const info = convInfoOfGradient(kernel, inputs.x.shape, filterShape, inputs.dy, attrs as never, 'depthwise');
  checkChannels(kernel, info, filterShape);
  if (isEmpty(info)) return tf.zeros(filterShape);

  const x = asFloats(channelsLast(inputs.x as tf.Tensor4D, info));
  const dy = asFloats(channelsLast(inputs.dy as tf.Tensor4D, info));
  return nativeOn(backend) === null
    ? composedDepthwiseFilterGradient(x, dy, info)
    : nativeFilterGradient(backend, x, dy, info);
};

/** `DepthwiseConv2dNativeBackpropInput`. */
export const depthwiseBackpropInput: Kernel = ({ inputs, attrs, backend }) => {
  const kernel = 'DepthwiseConv2dNativeBackpropInput';
  const inShape = attrs.inputShape as number[];
  checkRank(kernel, 'filter', inputs.filter, 4);
  const info = convInfoOfGradient(kernel, inShape, inputs.filter.shape, inputs.dy, attrs as never, 'depthwise');
  checkChannels(kernel, info, inputs.filter.shape);
  if (isEmpty(info)) return tf.zeros(inShape);

  const dy = asFloats(channelsLast(inputs.dy as tf.Tensor4D, info));
  const filter = asFloats(inputs.filter as tf.Tensor4D);
  const native = nativeOn(backend) !== null;
  const dx = native ? nativeInputGradient(backend, dy, filter, info) : composedDepthwiseInputGradient(dy, filter, info);
  return inFormat(dx, info);
};

function checkChannels(kernel: string, { inChannels }: ConvInfo, filterShape: number[]): void {
  const fits = inChannels === filterShape[2];
  checkFit(kernel, fits, `an image of ${inChannels} channels does not fit the filter [${filterShape}]`);
}

/** The native kernels have one output channel per input channel: for a multiplier, the channels of the image are repeated. */
function repeated(x: tf.Tensor4D, { inChannels, outChannels }: ConvInfo): tf.Tensor4D {
  if (outChannels === inChannels) return x;
  const [n, height, width] = x.shape;
  const times = tf.tile(tf.reshape(x, [n * height * width * inChannels, 1]), [1, outChannels / inChannels]);
  return tf.reshape(times, [n, height, width, outChannels]);
}

function nativeConvolution(backend: unknown, x: tf.Tensor4D, filter: tf.Tensor4D, info: ConvInfo): tf.Tensor4D {
  const { batchSize, outHeight, outWidth, outChannels, padInfo } = info;
  const native = nativeOn(backend)!;
  const image = repeated(x, info);
  const out = (backend as WasmBackend).makeOutput([batchSize, outHeight, outWidth, outChannels], 'float32');
  withScratch(backend, native.depthwiseScratch(...scratchSizes(info)), (scratch) => {
    const addresses = [image, filter, out].map((tensor) => addressOf(backend, tensor));
    native.depthwise(...addresses, ...sizes(info), padInfo.top, padInfo.left, scratch);
  });
  return tf.engine().makeTensorFromTensorInfo(out) as tf.Tensor4D;
}

function nativeFilterGradient(backend: unknown, x: tf.Tensor4D, dy: tf.Tensor4D, info: ConvInfo): tf.TensorInfo {
  const native = nativeOn(backend)!;
  const image = repeated(x, info);
  const out = (backend as WasmBackend).makeOutput(info.filterShape, 'float32');
  withScratch(backend, native.depthwiseScratch(...scratchSizes(info)), (scratch) => {
    const addresses = [image, dy, out].map((tensor) => addressOf(backend, tensor));
    native.depthwiseFilterGradient(...addresses, ...sizes(info), info.padInfo.top, info.padInfo.left, scratch);
  });
  return out;
}

function nativeInputGradient(backend: unknown, dy: tf.Tensor4D, filter: tf.Tensor4D, info: ConvInfo): tf.Tensor4D {
  const native = nativeOn(backend)!;
  const { batchSize, inHeight, inWidth, inChannels, outChannels, padInfo, filterHeight, filterWidth } = info;
  const out = (backend as WasmBackend).makeOutput([batchSize, inHeight, inWidth, outChannels], 'float32');
  if (info.strideHeight === 1 && info.strideWidth === 1) {
    // The convolution of dy with the filter rotated by 180 degrees.
    const back = { ...info, inHeight: info.outHeight, inWidth: info.outWidth, outHeight: inHeight, outWidth: inWidth };
    const filterBytes = 4 * filter.size;
    withScratch(backend, filterBytes + native.depthwiseScratch(...scratchSizes(back)), (scratch) => {
      native.turnTaps(addressOf(backend, filter), filterHeight * filterWidth, outChannels, scratch);
      const addresses = [addressOf(backend, dy), scratch, addressOf(backend, out)];
      const top = info.effectiveFilterHeight - 1 - padInfo.top;
      const left = info.effectiveFilterWidth - 1 - padInfo.left;
      native.depthwise(...addresses, ...sizes(back), top, left, scratch + filterBytes);
    });
  } else {
    withScratch(backend, native.depthwiseScratch(...scratchSizes(info)), (scratch) => {
      const addresses = [dy, filter, out].map((tensor) => addressOf(backend, tensor));
      native.depthwiseInputGradient(...addresses, ...sizes(info), padInfo.top, padInfo.left, scratch);
    });
  }
  const each = tf.engine().makeTensorFromTensorInfo(out) as tf.Tensor4D;
  if (outChannels === inChannels) return each;
  const perInput = tf.reshape(each, [batchSize, inHeight, inWidth, inChannels, outChannels / inChannels]);
  return tf.sum<tf.Tensor4D>(perInput, -1);
}

/** Sizes in the order of the native kernels' parameters. */
function sizes(info: ConvInfo): number[] {
  return [
    ...[info.batchSize, info.inHeight, info.inWidth, info.outChannels],
    ...[info.filterHeight, info.filterWidth, info.outHeight, info.outWidth],
    ...[info.strideHeight, info.strideWidth, info.dilationHeight, info.dilationWidth],
  ];
}

function scratchSizes(info: ConvInfo): number[] {
  return [
    ...[info.filterHeight, info.filterWidth, info.outChannels, info.outHeight, info.outWidth],
    ...[info.strideHeight, info.strideWidth, info.dilationHeight, info.dilationWidth],
  ];
}
