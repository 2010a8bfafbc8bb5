import { backend_util } from '@tensorflow/tfjs-core';

/** All sizes of one convolution or pooling, as TF.js reckons them. */
export type ConvInfo = backend_util.Conv2DInfo;

/** A pair for height and width, or one number for both. */
export type Pair = number | [number, number];

/** The attributes of TF.js's convolution kernels and their gradients. */
export interface ConvAttributes {
  strides: Pair;
  pad: 'valid' | 'same' | number | [[number, number], [number, number], [number, number], [number, number]];
  dataFormat?: 'NHWC' | 'NCHW';
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
  /** TF.js's own gradients leave this out: there, dilation is 1. */
  dilations?: Pair;
}

/**
 * Sizes of a convolution.
 *
 * @param inShape - [n, height, width, channels], or [n, channels, height, width] for NCHW.
 * @param filterShape - [height, width, inChannels, outChannels or multiplier].
 */
export function convInfoOf(
  inShape: number[],
  filterShape: number[],
  attributes: ConvAttributes,
  kind: 'full' | 'depthwise' = 'full',
): ConvInfo {
  const { strides, pad, dataFormat = 'NHWC', dimRoundingMode, dilations = 1 } = attributes;
  return backend_util.computeConv2DInfo(
    inShape as [number, number, number, number],
    filterShape as [number, number, number, number],
    strides,
    dilations,
    pad,
    dimRoundingMode,
    kind === 'depthwise',
    backend_util.convertConv2DDataFormat(dataFormat),
  );
}
