import { backend_util, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { checkShape } from './checks.js';

/** All sizes of one convolution or pooling, computed as in TF.js. */
export type ConvInfo = backend_util.Conv2DInfo;

/** A pair for height and width, or one number for both. */
export type Pair = number | [number, number];

/** The attributes of TF.js's convolution kernels and their gradients. */
export interface ConvAttributes {
  strides: Pair;
  pad: 'valid' | 'same' | number | [[number, number], [number, number], [number, number], [number, number]];
  dataFormat?: 'NHWC' | 'NCHW';
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
  /** TF.js's own gradients do not set this: there, dilation is 1. */
  dilations?: Pair | null;
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
  const { strides, pad, dataFormat = 'NHWC', dimRoundingMode, dilations } = attributes;
  return backend_util.computeConv2DInfo(
    inShape as [number, number, number, number],
    filterShape as [number, number, number, number],
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
    kind === 'depthwise',
    backend_util.convertConv2DDataFormat(dataFormat),
  );
}

/**
 * Sizes of the convolution whose output has the gradient `dy`. TF.js's gradients do not pass `dimRoundingMode`: if the sizes
 * do not fit, the other rounding modes are tried.
 *
 * @throws FerError `SHAPE` when no rounding mode fits.
 */
export function convInfoOfGradient(
  kernel: string,
  inShape: number[],
  filterShape: number[],
  dy: TensorInfo,
  attributes: ConvAttributes,
  kind: 'full' | 'depthwise' = 'full',
): ConvInfo {
  const first = convInfoOf(inShape, filterShape, attributes, kind);
  if (util.arraysEqual(first.outShape, dy.shape)) return first;
  for (const dimRoundingMode of ['ceil', 'round'] as const) {
    const info = convInfoOf(inShape, filterShape, { ...attributes, dimRoundingMode }, kind);
    if (util.arraysEqual(info.outShape, dy.shape)) return info;
  }
  checkShape(kernel, 'dy', dy, first.outShape);
  return first;
}
