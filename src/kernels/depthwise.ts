import * as tf from '@tensorflow/tfjs-core';
import { asFloats, checkFit, checkRank } from './checks.js';
import {
  composedDepthwiseConvolution,
  composedDepthwiseFilterGradient,
  composedDepthwiseInputGradient,
} from './composed.js';
import { type ConvAttributes, type ConvInfo, convInfoOf, convInfoOfGradient } from './conv-info.js';
import { channelsLast, filterNarrowerThanStride, inFormat, isEmpty } from './convolution.js';
import type { Kernel } from './override.js';

/** `DepthwiseConv2dNative`. TF.js's own errs for filters narrower than their stride and for borders in numbers. */
export const depthwiseConv2D: Kernel = ({ inputs, attrs }, plain) => {
  const attributes = attrs as unknown as ConvAttributes;
  const kernel = 'DepthwiseConv2dNative';
  checkRank(kernel, 'x', inputs.x, 4);
  checkRank(kernel, 'filter', inputs.filter, 4);
  const info = convInfoOf(inputs.x.shape, inputs.filter.shape, attributes, 'depthwise');
  checkChannels(kernel, info, inputs.filter.shape);
  if (isEmpty(info)) return tf.zeros(info.outShape);

  const x = asFloats(channelsLast(inputs.x as tf.Tensor4D, info));
  const filter = asFloats(inputs.filter as tf.Tensor4D);
  const untouched = x === inputs.x && filter === inputs.filter;
  if (untouched && typeof attributes.pad === 'string' && !filterNarrowerThanStride(info)) return plain();
  return inFormat(composedDepthwiseConvolution(x, filter, info), info);
};

/** `DepthwiseConv2dNativeBackpropFilter`. */
export const depthwiseBackpropFilter: Kernel = ({ inputs, attrs }) => {
  const kernel = 'DepthwiseConv2dNativeBackpropFilter';
  const filterShape = attrs.filterShape as number[];
  checkRank(kernel, 'x', inputs.x, 4);
  const info = convInfoOfGradient(kernel, inputs.x.shape, filterShape, inputs.dy, attrs as never, 'depthwise');
  checkChannels(kernel, info, filterShape);
  if (isEmpty(info)) return tf.zeros(filterShape);

  const x = asFloats(channelsLast(inputs.x as tf.Tensor4D, info));
  const dy = asFloats(channelsLast(inputs.dy as tf.Tensor4D, info));
  return composedDepthwiseFilterGradient(x, dy, info);
};

/** `DepthwiseConv2dNativeBackpropInput`. */
export const depthwiseBackpropInput: Kernel = ({ inputs, attrs }) => {
  const kernel = 'DepthwiseConv2dNativeBackpropInput';
  const inShape = attrs.inputShape as number[];
  checkRank(kernel, 'filter', inputs.filter, 4);
  const info = convInfoOfGradient(kernel, inShape, inputs.filter.shape, inputs.dy, attrs as never, 'depthwise');
  checkChannels(kernel, info, inputs.filter.shape);
  if (isEmpty(info)) return tf.zeros(inShape);

  const dy = asFloats(channelsLast(inputs.dy as tf.Tensor4D, info));
  return inFormat(composedDepthwiseInputGradient(dy, asFloats(inputs.filter as tf.Tensor4D), info), info);
};

// --- below this line: helpers of this file alone ---

function checkChannels(kernel: string, { inChannels }: ConvInfo, filterShape: number[]): void {
  const fits = inChannels === filterShape[2];
  checkFit(kernel, fits, `an image of ${inChannels} channels does not fit the filter [${filterShape}]`);
}
