import * as tf from '@tensorflow/tfjs-core';
import { asFloats, checkFit, checkRank } from './checks.js';
import { composedConvolution, composedFilterGradient, composedInputGradient } from './composed.js';
import { type ConvAttributes, type ConvInfo, convInfoOf, convInfoOfGradient } from './conv-info.js';
import { addressOf, type NativeKernels, nativeOn, type WasmBackend, withScratch } from './native.js';
import type { Kernel } from './override.js';

/** `Conv2D`. It is as fast as TF.js's kernel, which packs the filter again after every update and does not support NCHW. */
export const conv2D: Kernel = ({ inputs, attrs, backend }, plain) => {
  const attributes = attrs as unknown as ConvAttributes;
  checkRank('Conv2D', 'x', inputs.x, 4);
  checkRank('Conv2D', 'filter', inputs.filter, 4);
  const info = convInfoOf(inputs.x.shape, inputs.filter.shape, attributes);
  checkChannels('Conv2D', info, inputs.filter.shape);
  if (isEmpty(info)) return tf.zeros(info.outShape);

  const x = asFloats(channelsLast(inputs.x as tf.Tensor4D, info));
  const filter = asFloats(inputs.filter as tf.Tensor4D);
  if (nativeOn(backend) !== null) return inFormat(nativeConvolution(backend, x, filter, info), info);
  const untouched = x === inputs.x && filter === inputs.filter;
  if (untouched && typeof attributes.pad === 'string' && !filterNarrowerThanStride(info)) return plain();
  return inFormat(composedConvolution(x, filter, info), info);
};

/** `Conv2DBackpropFilter`. */
export const conv2DBackpropFilter: Kernel = ({ inputs, attrs, backend }) => {
  const kernel = 'Conv2DBackpropFilter';
  const filterShape = attrs.filterShape as number[];
  checkRank(kernel, 'x', inputs.x, 4);
  const info = convInfoOfGradient(kernel, inputs.x.shape, filterShape, inputs.dy, attrs as unknown as ConvAttributes);
  checkChannels(kernel, info, filterShape);
  if (isEmpty(info)) return tf.zeros(filterShape);

  const x = asFloats(channelsLast(inputs.x as tf.Tensor4D, info));
  const dy = asFloats(channelsLast(inputs.dy as tf.Tensor4D, info));
  const native = nativeOn(backend);
  if (native === null) return composedFilterGradient(x, dy, info);

  const out = (backend as WasmBackend).makeOutput(info.filterShape, 'float32');
  const bytes = Math.max(convolutionScratch(native, info), native.convScratch(...scratchSizes(info)));
  withScratch(backend, bytes, (scratch) => {
    const addresses = [x, dy, out].map((tensor) => addressOf(backend, tensor));
    const { top, left } = info.padInfo;
    if (!enoughPixelsForTiles(info) || !suitsTiles(info))
      native.conv2dFilterGradient(...addresses, ...sizes(info), top, left, scratch);
    else if (suitsWinograd(info)) winogradFilterGradient(native, addresses, info, scratch);
    else native.stridedFilterGradient(...addresses, ...tileSizes(info), top, left, scratch);
  });
  return out;
};

/** `Conv2DBackpropInput`; TF.js's own is about ten times slower. */
export const conv2DBackpropInput: Kernel = ({ inputs, attrs, backend }) => {
  const kernel = 'Conv2DBackpropInput';
  const attributes = attrs as unknown as ConvAttributes;
  const inShape = attrs.inputShape as number[];
  checkRank(kernel, 'dy', inputs.dy, 4);
  checkRank(kernel, 'filter', inputs.filter, 4);
  const cropped = cropToOutput(inputs.dy as tf.Tensor4D, inShape, inputs.filter.shape, attributes);
  const info = convInfoOfGradient(kernel, inShape, inputs.filter.shape, cropped, attributes);
  checkChannels(kernel, info, inputs.filter.shape);
  if (isEmpty(info)) return tf.zeros(inShape);

  const dy = asFloats(channelsLast(cropped, info));
  const filter = asFloats(inputs.filter as tf.Tensor4D);
  const native = nativeOn(backend) !== null;
  const dx = native ? nativeInputGradient(backend, dy, filter, info) : composedInputGradient(dy, filter, info);
  return inFormat(dx, info);
};

/** Whether TF.js's own convolution wrongly gives zeros: with 'same' padding and a filter narrower than its stride. */
export function filterNarrowerThanStride(info: ConvInfo): boolean {
  const { padInfo, filterHeight, filterWidth, strideHeight, strideWidth } = info;
  return padInfo.type === 'SAME' && (filterHeight < strideHeight || filterWidth < strideWidth);
}

/** Whether the output is empty or sums nothing. */
export function isEmpty({ inShape, outShape, filterShape }: ConvInfo): boolean {
  return [inShape, outShape, filterShape].some((shape) => tf.util.sizeFromShape(shape) === 0);
}

/** The image with channels last, as the native and composed convolutions expect. */
export function channelsLast(x: tf.Tensor4D, info: ConvInfo): tf.Tensor4D {
  return info.dataFormat === 'channelsLast' ? x : tf.transpose(x, [0, 2, 3, 1]);
}

/** The image with channels last in the format of the convolution. */
export function inFormat(x: tf.Tensor4D, info: ConvInfo): tf.Tensor4D {
  return info.dataFormat === 'channelsLast' ? x : tf.transpose(x, [0, 3, 1, 2]);
}

function checkChannels(kernel: string, { inChannels }: ConvInfo, filterShape: number[]): void {
  if (inChannels === filterShape[2]) return;
  checkFit(kernel, false, `an image of ${inChannels} channels does not fit the filter [${filterShape}]`);
}

/** A transposed convolution may ask for fewer pixels than `dy` produces: the extra pixels at the end are ignored. */
function cropToOutput(dy: tf.Tensor4D, inShape: number[], filterShape: number[], attrs: ConvAttributes): tf.Tensor4D {
  const { outShape } = convInfoOf(inShape, filterShape, { ...attrs, dimRoundingMode: attrs.dimRoundingMode ?? 'ceil' });
  const crop = dy.shape.every((size, i) => size >= outShape[i]) && !tf.util.arraysEqual(dy.shape, outShape);
  return crop && dy.shape[0] === outShape[0] ? tf.slice(dy, [0, 0, 0, 0], outShape as typeof dy.shape) : dy;
}

function nativeConvolution(backend: unknown, x: tf.Tensor4D, filter: tf.Tensor4D, info: ConvInfo): tf.Tensor4D {
  const native = nativeOn(backend)!;
  const { batchSize, outHeight, outWidth, outChannels } = info;
  const out = (backend as WasmBackend).makeOutput([batchSize, outHeight, outWidth, outChannels], 'float32');
  withScratch(backend, convolutionScratch(native, info), (scratch) => {
    const addresses = [x, filter, out].map((tensor) => addressOf(backend, tensor));
    convolve(native, addresses, info, info.padInfo.top, info.padInfo.left, scratch);
  });
  return tf.engine().makeTensorFromTensorInfo(out) as tf.Tensor4D;
}

function nativeInputGradient(backend: unknown, dy: tf.Tensor4D, filter: tf.Tensor4D, info: ConvInfo): tf.Tensor4D {
  const native = nativeOn(backend)!;
  const out = (backend as WasmBackend).makeOutput(
    [info.batchSize, info.inHeight, info.inWidth, info.inChannels],
    'float32',
  );
  if (info.strideHeight === 1 && info.strideWidth === 1) {
    // The convolution of dy with the filter rotated by 180 degrees.
    const back: ConvInfo = {
      ...info,
      inHeight: info.outHeight,
      inWidth: info.outWidth,
      outHeight: info.inHeight,
      outWidth: info.inWidth,
      inChannels: info.outChannels,
      outChannels: info.inChannels,
    };
    const filterBytes = 4 * filter.size;
    withScratch(backend, filterBytes + convolutionScratch(native, back), (scratch) => {
      const { filterHeight, filterWidth, inChannels, outChannels } = info;
      native.turnFilter(addressOf(backend, filter), filterHeight, filterWidth, inChannels, outChannels, scratch);
      const addresses = [addressOf(backend, dy), scratch, addressOf(backend, out)];
      const top = info.effectiveFilterHeight - 1 - info.padInfo.top;
      const left = info.effectiveFilterWidth - 1 - info.padInfo.left;
      convolve(native, addresses, back, top, left, scratch + filterBytes);
    });
  } else if (suitsStridedTiles(info)) {
    const filterBytes = 4 * filter.size;
    const { filterHeight, filterWidth, inChannels, outChannels } = info;
    withScratch(backend, filterBytes + native.stridedScratch(inChannels, outChannels), (scratch) => {
      native.turnFilter(addressOf(backend, filter), filterHeight, filterWidth, inChannels, outChannels, scratch);
      const addresses = [addressOf(backend, dy), scratch, addressOf(backend, out)];
      const { top, left } = info.padInfo;
      native.stridedInputGradient(...addresses, ...tileSizes(info), top, left, scratch + filterBytes);
    });
  } else {
    withScratch(backend, native.inputGradientScratch(...scratchSizes(info)), (scratch) =>
      native.conv2dInputGradient(
        addressOf(backend, dy),
        addressOf(backend, filter),
        addressOf(backend, out),
        ...sizes(info),
        info.padInfo.top,
        info.padInfo.left,
        scratch,
      ),
    );
  }
  return tf.engine().makeTensorFromTensorInfo(out) as tf.Tensor4D;
}

/** The fastest native convolution for these sizes; `addresses` are those of the input, the filter and the output. */
function convolve(
  native: NativeKernels,
  addresses: number[],
  info: ConvInfo,
  top: number,
  left: number,
  scratch: number,
): void {
  if (suitsWinograd(info)) winograd(native, addresses, info, top, left, scratch);
  else if (suitsStridedTiles(info)) native.strided(...addresses, ...tileSizes(info), top, left, scratch);
  else native.conv2d(...addresses, ...sizes(info), top, left, scratch);
}

/** Winograd's tiles take four channels at a time. An image of three, a colour image, gets a fourth one of zeros. */
function winograd(
  native: NativeKernels,
  [x, filter, out]: number[],
  info: ConvInfo,
  top: number,
  left: number,
  scratch: number,
): void {
  if (info.inChannels !== 3) {
    native.winograd(x, filter, out, ...tileSizes(info), top, left, scratch);
    return;
  }
  const { image, filters, rest } = widenedAt(info, scratch);
  native.resizeRows(x, pixelsOf(info), 3, image, 4);
  native.resizeRows(filter, 9, 3 * info.outChannels, filters, 4 * info.outChannels);
  native.winograd(image, filters, out, ...tileSizes({ ...info, inChannels: 4 }), top, left, rest);
}

function winogradFilterGradient(native: NativeKernels, [x, dy, out]: number[], info: ConvInfo, scratch: number): void {
  const { top, left } = info.padInfo;
  if (info.inChannels !== 3) {
    native.winogradFilterGradient(x, dy, out, ...tileSizes(info), top, left, scratch);
    return;
  }
  const { image, filters, rest } = widenedAt(info, scratch);
  native.resizeRows(x, pixelsOf(info), 3, image, 4);
  native.winogradFilterGradient(image, dy, filters, ...tileSizes({ ...info, inChannels: 4 }), top, left, rest);
  native.resizeRows(filters, 9, 4 * info.outChannels, out, 3 * info.outChannels);
}

/** The places of an image and a filter of four channels in the scratch memory. */
function widenedAt(info: ConvInfo, scratch: number): { image: number; filters: number; rest: number } {
  const filters = scratch + 16 * pixelsOf(info);
  return { image: scratch, filters, rest: filters + 144 * info.outChannels };
}

function pixelsOf({ batchSize, inHeight, inWidth }: ConvInfo): number {
  return batchSize * inHeight * inWidth;
}

function winogradScratch(native: NativeKernels, info: ConvInfo): number {
  if (info.inChannels !== 3) return native.winogradScratch(info.inChannels, info.outChannels);
  return widenedAt(info, 0).rest + native.winogradScratch(4, info.outChannels);
}

function convolutionScratch(native: NativeKernels, info: ConvInfo): number {
  if (suitsWinograd(info)) return winogradScratch(native, info);
  if (suitsStridedTiles(info)) return native.stridedScratch(info.inChannels, info.outChannels);
  return native.convScratch(...scratchSizes(info));
}

/** Whether Winograd tiles of 4 x 4 outputs are faster: for 3 x 3 filters with stride 1, unless too much of the tiles is unused. */
function suitsWinograd(info: ConvInfo): boolean {
  const { filterHeight, filterWidth, inChannels, outChannels, outHeight, outWidth } = info;
  const dense = [info.strideHeight, info.strideWidth, info.dilationHeight, info.dilationWidth].every((n) => n === 1);
  const channels = (inChannels === 3 || inChannels % 4 === 0) && outChannels % 8 === 0;
  const tiles = Math.ceil(outHeight / 4) * Math.ceil(outWidth / 4);
  return filterHeight === 3 && filterWidth === 3 && dense && channels && 16 * tiles <= 2 * outHeight * outWidth;
}

/**
 * The same for stride 2. Tiles save less here, so less of them may be thrown away. Transformed filters are nine times as
 * large as the filters: those of very many channels would take too much memory.
 */
function suitsStridedTiles(info: ConvInfo): boolean {
  const { filterHeight, filterWidth, inChannels, outChannels, outHeight, outWidth } = info;
  const undilated = info.dilationHeight === 1 && info.dilationWidth === 1;
  const three = filterHeight === 3 && filterWidth === 3 && undilated;
  const channels = inChannels % 8 === 0 && outChannels % 8 === 0 && inChannels * outChannels <= 65_536;
  const tiles = Math.ceil(outHeight / 4) * Math.ceil(outWidth / 4);
  const full = 16 * tiles <= 1.35 * outHeight * outWidth;
  return three && info.strideHeight === 2 && info.strideWidth === 2 && channels && full;
}

/** Whether the convolution is computed in tiles, of stride 1 or 2. */
export function suitsTiles(info: ConvInfo): boolean {
  return suitsWinograd(info) || suitsStridedTiles(info);
}

/**
 * Adam makes full steps even for tiny gradients. If few pixels are summed, many gradients are exactly zero; the tiles would
 * replace these zeros by rounding errors.
 */
function enoughPixelsForTiles({ batchSize, outHeight, outWidth }: ConvInfo): boolean {
  return batchSize * outHeight * outWidth >= 1024;
}

function tileSizes(info: ConvInfo): number[] {
  return [
    ...[info.batchSize, info.inHeight, info.inWidth, info.inChannels],
    ...[info.outChannels, info.outHeight, info.outWidth],
  ];
}

/** Sizes in the order of the native kernels' parameters. */
function sizes(info: ConvInfo): number[] {
  return [
    ...[info.batchSize, info.inHeight, info.inWidth, info.inChannels],
    ...[info.filterHeight, info.filterWidth, info.outChannels, info.outHeight, info.outWidth],
    ...[info.strideHeight, info.strideWidth, info.dilationHeight, info.dilationWidth],
  ];
}

function scratchSizes(info: ConvInfo): number[] {
  return [
    ...[info.filterHeight, info.filterWidth, info.inChannels, info.outChannels, info.outHeight, info.outWidth],
    ...[info.strideHeight, info.strideWidth, info.dilationHeight, info.dilationWidth],
  ];
}
