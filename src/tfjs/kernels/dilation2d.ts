import * as tf from '@tensorflow/tfjs-core';
import { asFloats, checkFit, checkRank, checkShape } from './checks.js';
import { valuesOf, type WasmBackend } from './native.js';
import type { Kernel } from './override.js';

/*
 * Morphological dilation, [n, height, width, channels] and a filter [height, width, channels], in plain JavaScript on the
 * backend's memory. TF.js's own gives zero for windows where all sums are negative.
 */

/** `Dilation2D`. */
export const dilation2D: Kernel = ({ inputs, attrs, backend }) => {
  const { info, x, filter } = operandsOf('Dilation2D', inputs, attrs);
  const out = (backend as WasmBackend).makeOutput(info.outShape, 'float32');
  const [values, weights, most] = valuesOf(backend, x, filter, out);
  forEachMaximum(info, values, weights, (to, _from, _tap, value) => {
    most[to] = value;
  });
  return out;
};

/** `Dilation2DBackpropInput`: of equal sums the first gets the gradient. */
export const dilation2DBackpropInput: Kernel = ({ inputs, attrs, backend }) => {
  const { info, x, filter } = operandsOf('Dilation2DBackpropInput', inputs, attrs);
  checkShape('Dilation2DBackpropInput', 'dy', inputs.dy, info.outShape);
  const dy = asFloats(inputs.dy);
  const out = (backend as WasmBackend).makeOutput(x.shape, 'float32');
  const [values, weights, gradients, dx] = valuesOf(backend, x, filter, dy, out);
  dx.fill(0);
  forEachMaximum(info, values, weights, (to, from) => {
    if (from >= 0) dx[from] += gradients[to];
  });
  return out;
};

/** `Dilation2DBackpropFilter`. */
export const dilation2DBackpropFilter: Kernel = ({ inputs, attrs, backend }) => {
  const { info, x, filter } = operandsOf('Dilation2DBackpropFilter', inputs, attrs);
  checkShape('Dilation2DBackpropFilter', 'dy', inputs.dy, info.outShape);
  const dy = asFloats(inputs.dy);
  const out = (backend as WasmBackend).makeOutput(filter.shape, 'float32');
  const [values, weights, gradients, dFilter] = valuesOf(backend, x, filter, dy, out);
  dFilter.fill(0);
  forEachMaximum(info, values, weights, (to, _from, tap) => {
    if (tap >= 0) dFilter[tap] += gradients[to];
  });
  return out;
};

type Info = tf.backend_util.Conv2DInfo;

function operandsOf(kernel: string, inputs: Record<string, tf.Tensor>, attrs: Record<string, unknown>) {
  checkRank(kernel, 'x', inputs.x, 4);
  checkRank(kernel, 'filter', inputs.filter, 3);
  const { strides, pad, dilations } = attrs as {
    strides: [number, number];
    pad: 'same' | 'valid' | number;
    dilations: [number, number];
  };
  const [x, filter] = [asFloats(inputs.x), asFloats(inputs.filter)];
  const channels = x.shape[3];
  checkFit(
    kernel,
    filter.shape[2] === channels,
    `an image of ${channels} channels does not fit the filter [${filter.shape}]`,
  );
  const info = tf.backend_util.computeDilation2DInfo(
    x.shape as [number, number, number, number],
    filter.shape as [number, number, number],
    strides,
    pad,
    'NHWC',
    dilations,
  );
  return { info, x, filter };
}

/**
 * Calls back for every output with its index, and with the indices in image and filter of the largest sum; -1 if the window
 * covers no pixel.
 */
function forEachMaximum(
  info: Info,
  values: ArrayLike<number>,
  weights: ArrayLike<number>,
  visit: (to: number, from: number, tap: number, value: number) => void,
): void {
  const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth, filterHeight, filterWidth, padInfo } = info;
  let to = 0;
  for (let n = 0; n < batchSize; n++) {
    for (let r = 0; r < outHeight; r++) {
      for (let c = 0; c < outWidth; c++) {
        for (let channel = 0; channel < inChannels; channel++) {
          let [best, bestFrom, bestTap] = [Number.NEGATIVE_INFINITY, -1, -1];
          for (let i = 0; i < filterHeight; i++) {
            const row = r * info.strideHeight - padInfo.top + i * info.dilationHeight;
            if (row < 0 || row >= inHeight) continue;
            for (let j = 0; j < filterWidth; j++) {
              const column = c * info.strideWidth - padInfo.left + j * info.dilationWidth;
              if (column < 0 || column >= inWidth) continue;
              const from = ((n * inHeight + row) * inWidth + column) * inChannels + channel;
              const tap = (i * filterWidth + j) * inChannels + channel;
              const sum = values[from] + weights[tap];
              if (!(sum > best)) continue;
              [best, bestFrom, bestTap] = [sum, from, tap];
            }
          }
          visit(to, bestFrom, bestTap, best);
          to++;
        }
      }
    }
  }
}
