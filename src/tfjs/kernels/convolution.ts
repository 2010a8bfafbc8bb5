import * as tf from '@tensorflow/tfjs-core';
import {
  composedConvolution,
  composedDepthwiseFilterGradient,
  composedDepthwiseInputGradient,
  composedFilterGradient,
  composedInputGradient,
} from './composed.js';
import { type ConvAttributes, type ConvInfo, convInfoOf } from './conv-info.js';
import { addressOf, type NativeKernels, nativeOn, type WasmBackend, withScratch } from './native.js';
import type { Kernel } from './override.js';

/** `Conv2D`: TF.js's own where ours does not apply. TF.js packs the filter anew after every update, ours is as fast. */
export const conv2D: Kernel = ({ inputs, attrs, backend }, plain) => {
  const { x, filter } = inputs as Record<string, tf.Tensor4D>;
  const native = nativeOn(backend);
  const info = convInfoOf(x.shape, filter.shape, attrs as unknown as ConvAttributes);
  if (info.dataFormat !== 'channelsLast' || info.inChannels !== filter.shape[2]) return plain();
  if (native === null) return errs(info) ? composedConvolution(x, filter, info) : plain();

  const out = (backend as WasmBackend).makeOutput(info.outShape, 'float32');
  withScratch(backend, convolutionScratch(native, info), (scratch) => {
    const addresses = [x, filter, out].map((tensor) => addressOf(backend, tensor));
    convolve(native, addresses, info, info.padInfo.top, info.padInfo.left, scratch);
  });
  return out;
};

/** `Conv2DBackpropFilter`. */
export const conv2DBackpropFilter: Kernel = ({ inputs, attrs, backend }) => {
  const info = convInfoOf(inputs.x.shape, attrs.filterShape as number[], attrs as unknown as ConvAttributes);
  return tf.tidy(() => {
    const x = channelsLast(inputs.x as tf.Tensor4D, info);
    const dy = channelsLast(inputs.dy as tf.Tensor4D, info);
    const native = nativeOn(backend);
    if (native === null) return composedFilterGradient(x, dy, info);

    const out = (backend as WasmBackend).makeOutput(info.filterShape, 'float32');
    const bytes = Math.max(convolutionScratch(native, info), native.convScratch(...scratchSizes(info)));
    withScratch(backend, bytes, (scratch) => {
      const addresses = [x, dy, out].map((tensor) => addressOf(backend, tensor));
      const { top, left } = info.padInfo;
      if (gradientSuitsWinograd(info)) {
        native.winogradFilterGradient(...addresses, ...winogradSizes(info), top, left, scratch);
      } else {
        native.conv2dFilterGradient(...addresses, ...sizes(info), top, left, scratch);
      }
    });
    return tf.engine().makeTensorFromTensorInfo(out);
  });
};

/** `Conv2DBackpropInput`, in the place of TF.js's own, which is about ten times slower. */
export const conv2DBackpropInput: Kernel = ({ inputs, attrs, backend }) => {
  const filter = inputs.filter as tf.Tensor4D;
  const info = convInfoOf(attrs.inputShape as number[], filter.shape, attrs as unknown as ConvAttributes);
  return tf.tidy(() => {
    const dy = channelsLast(inputs.dy as tf.Tensor4D, info);
    const dx =
      nativeOn(backend) === null
        ? composedInputGradient(dy, filter, info)
        : nativeInputGradient(backend, dy, filter, info);
    return info.dataFormat === 'channelsLast' ? dx : tf.transpose(dx, [0, 3, 1, 2]);
  });
};

/** `DepthwiseConv2dNativeBackpropFilter`. */
export const depthwiseBackpropFilter: Kernel = ({ inputs, attrs }) => {
  const { x, dy } = inputs as Record<string, tf.Tensor4D>;
  const info = convInfoOf(x.shape, attrs.filterShape as number[], attrs as unknown as ConvAttributes, 'depthwise');
  return composedDepthwiseFilterGradient(x, dy, info);
};

/** `DepthwiseConv2dNativeBackpropInput`. */
export const depthwiseBackpropInput: Kernel = ({ inputs, attrs }) => {
  const { dy, filter } = inputs as Record<string, tf.Tensor4D>;
  const inputShape = attrs.inputShape as number[];
  const info = convInfoOf(inputShape, filter.shape, attrs as unknown as ConvAttributes, 'depthwise');
  return composedDepthwiseInputGradient(dy, filter, info);
};

// --- below this line: helpers of this file alone ---

function nativeInputGradient(backend: unknown, dy: tf.Tensor4D, filter: tf.Tensor4D, info: ConvInfo): tf.Tensor4D {
  const native = nativeOn(backend)!;
  const out = (backend as WasmBackend).makeOutput(
    [info.batchSize, info.inHeight, info.inWidth, info.inChannels],
    'float32',
  );
  if (info.strideHeight === 1 && info.strideWidth === 1) {
    // The convolution of dy with the filter turned by half a circle.
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

/** Whether TF.js's own convolution gives zeros: for 'same' with filters narrower than their stride. */
function errs({ padInfo, filterHeight, filterWidth, strideHeight, strideWidth }: ConvInfo): boolean {
  return padInfo.type === 'SAME' && (filterHeight < strideHeight || filterWidth < strideWidth);
}

/** The native convolution that suits the sizes; `addresses` are those of the input, the filter and the output. */
function convolve(
  native: NativeKernels,
  addresses: number[],
  info: ConvInfo,
  top: number,
  left: number,
  scratch: number,
): void {
  if (suitsWinograd(info)) native.winograd(...addresses, ...winogradSizes(info), top, left, scratch);
  else native.conv2d(...addresses, ...sizes(info), top, left, scratch);
}

function convolutionScratch(native: NativeKernels, info: ConvInfo): number {
  if (suitsWinograd(info)) return native.winogradScratch(info.inChannels, info.outChannels);
  return native.convScratch(...scratchSizes(info));
}

/** Whether tiles of 4 x 4 outputs pay: for 3 x 3 filters of stride 1, and unless too much of the tiles is thrown away. */
function suitsWinograd(info: ConvInfo): boolean {
  const { filterHeight, filterWidth, inChannels, outChannels, outHeight, outWidth } = info;
  const dense = [info.strideHeight, info.strideWidth, info.dilationHeight, info.dilationWidth].every((n) => n === 1);
  const channels = inChannels >= 8 && inChannels % 4 === 0 && outChannels % 8 === 0;
  const tiles = Math.ceil(outHeight / 4) * Math.ceil(outWidth / 4);
  return filterHeight === 3 && filterWidth === 3 && dense && channels && 16 * tiles <= 2 * outHeight * outWidth;
}

/**
 * Adam makes whole steps of the smallest gradients. Where few pixels are summed, many gradients are exactly zero, and
 * the rounding errors of the tiles would take their place.
 */
function gradientSuitsWinograd(info: ConvInfo): boolean {
  return suitsWinograd(info) && info.batchSize * info.outHeight * info.outWidth >= 4096;
}

function winogradSizes(info: ConvInfo): number[] {
  return [
    ...[info.batchSize, info.inHeight, info.inWidth, info.inChannels],
    ...[info.outChannels, info.outHeight, info.outWidth],
  ];
}

/** In the order of the native kernels' parameters. */
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

function channelsLast(x: tf.Tensor4D, info: ConvInfo): tf.Tensor4D {
  return info.dataFormat === 'channelsLast' ? x : tf.transpose(x, [0, 2, 3, 1]);
}
