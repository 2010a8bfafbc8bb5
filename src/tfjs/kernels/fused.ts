import * as tf from '@tensorflow/tfjs-core';
import { activate, type FusedActivation } from './activation.js';
import { type ConvAttributes, convInfoOf } from './conv-info.js';
import { filterNarrowerThanStride, suitsTiles } from './convolution.js';
import { nativeOn } from './native.js';
import type { Kernel, KernelCall, KernelOutput } from './override.js';

/** `FusedConv2D`: TF.js's own kernel, or, where that is wrong or fails, the separate ops. */
export const fusedConv2D: Kernel = (call, plain) => fused('full', call, plain);

/** `FusedDepthwiseConv2D`, in the same way. */
export const fusedDepthwiseConv2D: Kernel = (call, plain) => fused('depthwise', call, plain);

interface FusedAttributes extends ConvAttributes {
  activation: FusedActivation;
  leakyreluAlpha?: number;
}

function fused(
  kind: 'full' | 'depthwise',
  { inputs, attrs, backend }: KernelCall,
  plain: () => KernelOutput,
): KernelOutput {
  const { x, filter, bias, preluActivationWeights } = inputs;
  const { activation, leakyreluAlpha, ...attributes } = attrs as unknown as FusedAttributes;
  const { dataFormat = 'NHWC', pad } = attributes;
  const info = convInfoOf(x.shape, filter.shape, attributes, kind);

  const floats = [x, filter, bias, preluActivationWeights].every((t) => t === undefined || t.dtype === 'float32');
  const vector = bias === undefined || (bias.shape.length === 1 && bias.shape[0] === info.outChannels);
  const slopes = preluActivationWeights === undefined || preluActivationWeights.size === info.outChannels;
  const fits = x.size > 0 && tf.util.sizeFromShape(info.outShape) > 0 && x.shape[3] === filter.shape[2];
  const suits = dataFormat === 'NHWC' && typeof pad === 'string' && !filterNarrowerThanStride(info);
  // Where Winograd tiles apply, ours is faster: TF.js packs the filter again after every update.
  const ours = kind === 'full' && nativeOn(backend) !== null && suitsTiles(info);
  if (floats && vector && slopes && fits && suits && !ours) return plain();

  const convolution = tf
    .engine()
    .runKernel(
      kind === 'full' ? 'Conv2D' : 'DepthwiseConv2dNative',
      { x, filter },
      attributes as unknown as tf.NamedAttrMap,
    ) as tf.Tensor;
  const biased = bias === undefined ? convolution : tf.add(convolution, alongChannels(bias, dataFormat));
  const weights = preluActivationWeights && alongChannels(preluActivationWeights, dataFormat);
  return activate(biased, activation, weights, leakyreluAlpha);
}

/** A vector with one number per channel, shaped for adding to an image of that format. */
function alongChannels(vector: tf.Tensor, dataFormat: 'NHWC' | 'NCHW'): tf.Tensor {
  const isVector = vector.shape.length === 1 && vector.shape[0] !== 1;
  return dataFormat === 'NCHW' && isVector ? tf.reshape(vector, [-1, 1, 1]) : vector;
}
