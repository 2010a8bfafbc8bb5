import * as tf from '@tensorflow/tfjs-core';
import type { ConvInfo } from './conv-info.js';

/**
 * A convolution with padding as a separate op, because TF.js's wasm backend gives zeros if a filter is narrower than its stride
 * and the padding is 'same'.
 */
export function composedConvolution(x: tf.Tensor4D, filter: tf.Tensor4D, info: ConvInfo): tf.Tensor4D {
  return tf.tidy(() => {
    const strides: [number, number] = [info.strideHeight, info.strideWidth];
    const dilations: [number, number] = [info.dilationHeight, info.dilationWidth];
    return tf.conv2d(seenOf(x, info), filter, strides, 'valid', 'NHWC', dilations);
  });
}

/**
 * Gradient of a convolution with respect to its filter, composed of ops of TF.js's wasm backend. For every filter tap, it is
 * one matrix product: the pixels under the tap times the gradient of the output.
 *
 * @param x - Input, [n, height, width, inChannels].
 * @param dy - Gradient of the output, [n, outHeight, outWidth, outChannels].
 * @returns [filterHeight, filterWidth, inChannels, outChannels].
 */
export function composedFilterGradient(x: tf.Tensor4D, dy: tf.Tensor4D, info: ConvInfo): tf.Tensor4D {
  return tf.tidy(() => {
    const flatDy = tf.reshape(dy, [-1, info.outChannels]);
    const taps = tapsOf(x, info).map((seen) => tf.matMul(tf.reshape(seen, [-1, info.inChannels]), flatDy, true));
    return tf.reshape(tf.stack(taps), [info.filterHeight, info.filterWidth, info.inChannels, info.outChannels]);
  });
}

/**
 * Gradient of a convolution with respect to its input: `dy`, spread out by the strides, is convolved with the filter rotated
 * by 180 degrees.
 *
 * @param dy - Gradient of the output, [n, outHeight, outWidth, outChannels].
 * @param filter - [filterHeight, filterWidth, inChannels, outChannels].
 * @returns [n, height, width, inChannels].
 */
export function composedInputGradient(dy: tf.Tensor4D, filter: tf.Tensor4D, info: ConvInfo): tf.Tensor4D {
  return tf.tidy(() => {
    const turned = tf.transpose<tf.Tensor4D>(tf.reverse(filter, [0, 1]), [0, 1, 3, 2]);
    const dilations: [number, number] = [info.dilationHeight, info.dilationWidth];
    return tf.conv2d(spread(dy, info), turned, 1, 'valid', 'NHWC', dilations);
  });
}

/** A depthwise convolution with padding as a separate op, as in `composedConvolution`. */
export function composedDepthwiseConvolution(x: tf.Tensor4D, filter: tf.Tensor4D, info: ConvInfo): tf.Tensor4D {
  const strides: [number, number] = [info.strideHeight, info.strideWidth];
  const dilations: [number, number] = [info.dilationHeight, info.dilationWidth];
  return tf.tidy(() => tf.depthwiseConv2d(seenOf(x, info), filter, strides, 'valid', 'NHWC', dilations));
}

/**
 * Gradient of a depthwise convolution with respect to its filter.
 *
 * @param x - Input, [n, height, width, inChannels].
 * @param dy - Gradient of the output, [n, outHeight, outWidth, inChannels * multiplier].
 * @returns [filterHeight, filterWidth, inChannels, multiplier].
 */
export function composedDepthwiseFilterGradient(x: tf.Tensor4D, dy: tf.Tensor4D, info: ConvInfo): tf.Tensor4D {
  return tf.tidy(() => {
    const multiplier = info.outChannels / info.inChannels;
    const perChannel = tf.reshape(dy, [-1, info.inChannels, multiplier]);
    const taps = tapsOf(x, info).map((seen) =>
      tf.sum(tf.mul(tf.reshape(seen, [-1, info.inChannels, 1]), perChannel), 0),
    );
    return tf.reshape(tf.stack(taps), [info.filterHeight, info.filterWidth, info.inChannels, multiplier]);
  });
}

/**
 * Gradient of a depthwise convolution with respect to its input.
 *
 * @param dy - Gradient of the output, [n, outHeight, outWidth, inChannels * multiplier].
 * @param filter - [filterHeight, filterWidth, inChannels, multiplier].
 * @returns [n, height, width, inChannels].
 */
export function composedDepthwiseInputGradient(dy: tf.Tensor4D, filter: tf.Tensor4D, info: ConvInfo): tf.Tensor4D {
  return tf.tidy(() => {
    const { batchSize, inHeight, inWidth, inChannels, outChannels, filterHeight, filterWidth } = info;
    const turned = tf.reshape<tf.Rank.R4>(tf.reverse(filter, [0, 1]), [filterHeight, filterWidth, outChannels, 1]);
    const dilations: [number, number] = [info.dilationHeight, info.dilationWidth];
    const each = tf.depthwiseConv2d(spread(dy, info), turned, 1, 'valid', 'NHWC', dilations);
    const perInput = tf.reshape(each, [batchSize, inHeight, inWidth, inChannels, outChannels / inChannels]);
    return tf.sum<tf.Tensor4D>(perInput, -1);
  });
}

/** Max-pooling with padding as a separate op. */
export function composedMaxPool(x: tf.Tensor4D, info: ConvInfo): tf.Tensor4D {
  return tf.tidy(() => tapsOf(x, info, Number.NEGATIVE_INFINITY).reduce((most, seen) => tf.maximum(most, seen)));
}

/** Average pooling: the mean of the values inside a window. */
export function composedAveragePool(x: tf.Tensor4D, info: ConvInfo): tf.Tensor4D {
  return tf.tidy(() => tf.div(tf.addN(tapsOf(x, info)), countsOf(info)));
}

/** Gradient of average pooling, [n, height, width, channels]. */
export function composedAveragePoolGradient(dy: tf.Tensor4D, info: ConvInfo): tf.Tensor4D {
  return tf.tidy(() => {
    const shares = tf.div<tf.Tensor4D>(dy, countsOf(info));
    const taps = Array.from({ length: info.filterHeight * info.filterWidth }, (_, tap) =>
      spread(shares, info, Math.floor(tap / info.filterWidth), tap % info.filterWidth),
    );
    return tf.addN(taps);
  });
}

/**
 * Gradient of max-pooling. TF.js's own wasm kernel gives the gradient to the last of equal values, and loses
 * gradients at borders. Here the first of equal values gets it, as on the cpu backend.
 *
 * @param dy - Gradient of the output, [n, outHeight, outWidth, channels].
 * @param x - Input, [n, height, width, channels]; `y` is the output.
 * @returns [n, height, width, channels].
 */
export function composedMaxPoolGradient(dy: tf.Tensor4D, x: tf.Tensor4D, y: tf.Tensor4D, info: ConvInfo): tf.Tensor4D {
  return tf.tidy(() => {
    let free: tf.Tensor = tf.onesLike(y);
    const parts = tapsOf(x, info, Number.NEGATIVE_INFINITY).map((seen, tap) => {
      const chosen = tf.mul(tf.cast(tf.equal(seen, y), 'float32'), free);
      free = tf.sub(free, chosen);
      const row = Math.floor(tap / info.filterWidth);
      return spread(tf.mul(chosen, dy), info, row, tap % info.filterWidth);
    });
    return tf.addN(parts);
  });
}

/** The pixels under each filter tap, [n, outHeight, outWidth, inChannels] per tap, in the order of the filter's rows and columns. */
function tapsOf(x: tf.Tensor4D, info: ConvInfo, fill = 0): tf.Tensor4D[] {
  const { strideHeight, strideWidth, dilationHeight, dilationWidth, outHeight, outWidth } = info;
  const padded = seenOf(x, info, fill);
  const taps: tf.Tensor4D[] = [];
  for (let row = 0; row < info.filterHeight; row++) {
    for (let column = 0; column < info.filterWidth; column++) {
      const top = row * dilationHeight;
      const left = column * dilationWidth;
      const begin: [number, number, number, number] = [0, top, left, 0];
      const end: [number, number, number, number] = [
        info.batchSize,
        top + (outHeight - 1) * strideHeight + 1,
        left + (outWidth - 1) * strideWidth + 1,
        info.inChannels,
      ];
      taps.push(tf.stridedSlice(padded, begin, end, [1, strideHeight, strideWidth, 1]) as tf.Tensor4D);
    }
  }
  return taps;
}

/** The number of pixels in every window, [1, outHeight, outWidth, 1]; at least 1. */
function countsOf(info: ConvInfo): tf.Tensor4D {
  const along = (outSize: number, stride: number, window: number, before: number, size: number) =>
    Array.from({ length: outSize }, (_, i) => {
      const first = i * stride - before;
      return Math.min(first + window, size) - Math.max(first, 0);
    });
  const rows = along(info.outHeight, info.strideHeight, info.filterHeight, info.padInfo.top, info.inHeight);
  const columns = along(info.outWidth, info.strideWidth, info.filterWidth, info.padInfo.left, info.inWidth);
  const counts = rows.flatMap((height) => columns.map((width) => Math.max(1, height) * Math.max(1, width)));
  return tf.tensor4d(counts, [1, info.outHeight, info.outWidth, 1]);
}

/** The part of the image that windows cover, with padding. */
function seenOf(x: tf.Tensor4D, info: ConvInfo, fill = 0): tf.Tensor4D {
  const { strideHeight, strideWidth, outHeight, outWidth, padInfo } = info;
  return padOrCrop(
    x,
    [padInfo.top, neededAfter(info.inHeight + padInfo.top, outHeight, strideHeight, info.effectiveFilterHeight)],
    [padInfo.left, neededAfter(info.inWidth + padInfo.left, outWidth, strideWidth, info.effectiveFilterWidth)],
    fill,
  );
}

/** Number of cells to add at the end (to drop, if negative), so that the last window fits exactly. */
function neededAfter(present: number, outSize: number, stride: number, window: number): number {
  return (outSize - 1) * stride + window - present;
}

/**
 * `dy` with `stride - 1` zeros between its pixels, and padding. Without a tap, a stride-1 'valid' convolution over the result
 * has the input's size. With a tap, the result has the input's size, and each value is at the input pixel under that tap.
 */
function spread(dy: tf.Tensor4D, info: ConvInfo, tapRow?: number, tapColumn?: number): tf.Tensor4D {
  const { batchSize, outHeight, outWidth, outChannels, strideHeight, strideWidth, padInfo } = info;
  let apart = dy;
  if (strideWidth > 1 || strideHeight > 1) {
    const pixels = tf.reshape<tf.Rank.R2>(dy, [batchSize * outHeight * outWidth, outChannels]);
    const columnsApart = padEnd(pixels, (strideWidth - 1) * outChannels);
    const lines = tf.reshape<tf.Rank.R2>(columnsApart, [batchSize * outHeight, outWidth * strideWidth * outChannels]);
    const rowsApart = padEnd(lines, (strideHeight - 1) * outWidth * strideWidth * outChannels);
    apart = tf.reshape(rowsApart, [batchSize, outHeight * strideHeight, outWidth * strideWidth, outChannels]);
  }
  const placed = tapRow !== undefined && tapColumn !== undefined;
  const top = placed ? tapRow * info.dilationHeight - padInfo.top : info.effectiveFilterHeight - 1 - padInfo.top;
  const left = placed ? tapColumn * info.dilationWidth - padInfo.left : info.effectiveFilterWidth - 1 - padInfo.left;
  const height = info.inHeight + (placed ? 0 : info.effectiveFilterHeight - 1);
  const width = info.inWidth + (placed ? 0 : info.effectiveFilterWidth - 1);
  return padOrCrop(
    apart,
    [top, height - top - outHeight * strideHeight],
    [left, width - left - outWidth * strideWidth],
  );
}

/** Adds cells before and after each image axis, or drops cells where the number is negative. */
function padOrCrop(x: tf.Tensor4D, rows: [number, number], columns: [number, number], fill = 0): tf.Tensor4D {
  const positive = (n: number) => Math.max(n, 0);
  const cells: [number, number][] = [
    [0, 0],
    [positive(rows[0]), positive(rows[1])],
    [positive(columns[0]), positive(columns[1])],
    [0, 0],
  ];
  const padded = tf.pad(x, cells, fill);
  if (rows[0] >= 0 && rows[1] >= 0 && columns[0] >= 0 && columns[1] >= 0) return padded;

  const [n, height, width, channels] = padded.shape;
  const top = positive(-rows[0]);
  const left = positive(-columns[0]);
  return tf.slice(
    padded,
    [0, top, left, 0],
    [n, height - top - positive(-rows[1]), width - left - positive(-columns[1]), channels],
  );
}

function padEnd(rows: tf.Tensor2D, cells: number): tf.Tensor2D {
  return tf.pad(rows, [
    [0, 0],
    [0, cells],
  ]);
}
