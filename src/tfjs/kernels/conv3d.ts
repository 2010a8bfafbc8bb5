import * as tf from '@tensorflow/tfjs-core';
import { asFloats, checkFit, checkRank, checkShape } from './checks.js';
import type { Kernel } from './override.js';

/*
 * Convolutions of volumes, [n, depth, height, width, channels], as sums of image convolutions: one for every plane of the
 * filter. TF.js's own gradients are correct only if newly allocated memory is zero.
 */

/** `Conv3D`. */
export const conv3D: Kernel = ({ inputs, attrs }) => {
  checkRank('Conv3D', 'x', inputs.x, 5);
  checkRank('Conv3D', 'filter', inputs.filter, 5);
  const info = infoOf('Conv3D', inputs.x.shape, inputs.filter.shape, attrs);
  if (isEmpty(info)) return tf.zeros(info.outShape);
  const x = asFloats(inputs.x as tf.Tensor5D);
  const filter = asFloats(inputs.filter as tf.Tensor5D);
  const planes = tf.unstack(filter) as tf.Tensor4D[];
  const parts = planes.map((plane, i) =>
    tf.engine().runKernel('Conv2D', { x: seenBy(x, info, i), filter: plane }, flatAttributes(info)),
  );
  return tf.reshape(tf.addN(parts as tf.Tensor[]), info.outShape);
};

/** `Conv3DBackpropFilterV2`. */
export const conv3DBackpropFilter: Kernel = ({ inputs, attrs }) => {
  const kernel = 'Conv3DBackpropFilterV2';
  const filterShape = attrs.filterShape as number[];
  checkRank(kernel, 'x', inputs.x, 5);
  const info = infoOf(kernel, inputs.x.shape, filterShape, attrs);
  checkShape(kernel, 'dy', inputs.dy, info.outShape);
  if (isEmpty(info)) return tf.zeros(filterShape);
  const x = asFloats(inputs.x as tf.Tensor5D);
  const dy = flat(asFloats(inputs.dy as tf.Tensor5D));
  const attributes = { ...flatAttributes(info), filterShape: filterShape.slice(1) };
  const planes = Array.from({ length: info.filterDepth }, (_, i) =>
    tf.engine().runKernel('Conv2DBackpropFilter', { x: seenBy(x, info, i), dy }, attributes),
  );
  return tf.stack(planes as tf.Tensor[]);
};

/** `Conv3DBackpropInputV2`. */
export const conv3DBackpropInput: Kernel = ({ inputs, attrs }) => {
  const kernel = 'Conv3DBackpropInputV2';
  const inShape = attrs.inputShape as number[];
  checkRank(kernel, 'filter', inputs.filter, 5);
  const info = infoOf(kernel, inShape, inputs.filter.shape, attrs);
  checkShape(kernel, 'dy', inputs.dy, info.outShape);
  if (isEmpty(info)) return tf.zeros(inShape);
  const dy = flat(asFloats(inputs.dy as tf.Tensor5D));
  const planes = tf.unstack(asFloats(inputs.filter as tf.Tensor5D)) as tf.Tensor4D[];
  const { batchSize, outDepth, inHeight, inWidth, inChannels } = info;
  const inputShape = [batchSize * outDepth, inHeight, inWidth, inChannels];
  const attributes = { ...flatAttributes(info), inputShape };
  const parts = planes.map((filter, i) => {
    const dx = tf.engine().runKernel('Conv2DBackpropInput', { dy, filter }, attributes) as tf.Tensor;
    return seenFrom(dx, info, i);
  });
  return tf.reshape(tf.addN(parts), inShape);
};

type Info = tf.backend_util.Conv3DInfo;
type Triple = number | [number, number, number];
type Shape5D = [number, number, number, number, number];

interface Attributes {
  strides: Triple;
  pad: 'valid' | 'same';
  /** TF.js's own gradients do not set this: there, dilation is 1. */
  dilations?: Triple;
}

function infoOf(kernel: string, inShape: number[], filterShape: number[], attrs: Record<string, unknown>): Info {
  const { strides, pad, dilations = 1 } = attrs as unknown as Attributes;
  const fits = inShape[4] === filterShape[3];
  checkFit(kernel, fits, `a volume of ${inShape[4]} channels does not fit the filter [${filterShape}]`);
  return tf.backend_util.computeConv3DInfo(inShape as Shape5D, filterShape as Shape5D, strides, dilations, pad);
}

function isEmpty({ inShape, outShape, filterShape }: Info): boolean {
  return [inShape, outShape, filterShape].some((shape) => tf.util.sizeFromShape(shape) === 0);
}

/** Options of the image convolutions. */
function flatAttributes(info: Info) {
  const { padInfo } = info;
  return {
    strides: [info.strideHeight, info.strideWidth],
    dilations: [info.dilationHeight, info.dilationWidth],
    pad: [
      [0, 0],
      [padInfo.top, padInfo.bottom],
      [padInfo.left, padInfo.right],
      [0, 0],
    ],
    dataFormat: 'NHWC',
    dimRoundingMode: 'floor' as const,
  };
}

/** The planes of a volume as images. */
function flat(x: tf.Tensor5D): tf.Tensor4D {
  const [n, depth, height, width, channels] = x.shape;
  return tf.reshape(x, [n * depth, height, width, channels]);
}

/** For every output plane, the input plane under plane `i` of the filter, as images. */
function seenBy(x: tf.Tensor5D, info: Info, i: number): tf.Tensor4D {
  const { batchSize, inDepth, inHeight, inWidth, inChannels, outDepth, strideDepth, padInfo } = info;
  const first = i * info.dilationDepth - padInfo.front;
  const last = first + (outDepth - 1) * strideDepth;
  const before = Math.max(0, -first);
  const after = Math.max(0, last + 1 - inDepth);
  const planes = tf.reshape(x, [batchSize, inDepth, inHeight * inWidth * inChannels]);
  const padded = tf.pad(planes, [
    [0, 0],
    [before, after],
    [0, 0],
  ]);
  const [n, depth, size] = padded.shape;
  const begin = [0, first + before, 0];
  const seen =
    strideDepth === 1
      ? tf.slice(padded, begin, [n, outDepth, size])
      : tf.stridedSlice(padded, begin, [n, Math.min(depth, last + before + 1), size], [1, strideDepth, 1]);
  return tf.reshape(seen, [batchSize * outDepth, inHeight, inWidth, inChannels]);
}

/** The reverse: puts values of output planes at the input planes under plane `i` of the filter. */
function seenFrom(images: tf.Tensor, info: Info, i: number): tf.Tensor3D {
  const { batchSize, inDepth, inHeight, inWidth, inChannels, outDepth, strideDepth, padInfo } = info;
  const size = inHeight * inWidth * inChannels;
  const apart = tf.pad(tf.reshape(images, [batchSize * outDepth, size]), [
    [0, 0],
    [0, (strideDepth - 1) * size],
  ]);
  const planes = tf.reshape<tf.Rank.R3>(apart, [batchSize, outDepth * strideDepth, size]);
  const first = i * info.dilationDepth - padInfo.front;
  const end = first + outDepth * strideDepth;
  const padded = tf.pad(planes, [
    [0, 0],
    [Math.max(0, first), Math.max(0, inDepth - end)],
    [0, 0],
  ]);
  return tf.slice(padded, [0, Math.max(0, -first), 0], [batchSize, inDepth, size]);
}
