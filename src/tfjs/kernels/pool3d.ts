import * as tf from '@tensorflow/tfjs-core';
import { asFloats, checkRank, checkShape } from './checks.js';
import { valuesOf, type WasmBackend } from './native.js';
import type { Kernel } from './override.js';

/*
 * Pooling of volumes, [n, depth, height, width, channels], in plain JavaScript on the backend's memory. TF.js's own
 * max-pooling gives zero for windows where all values are negative.
 */

/** `MaxPool3D`. NaN values are ignored. */
export const maxPool3D: Kernel = ({ inputs, attrs, backend }) => {
  const info = infoOf('MaxPool3D', inputs.x, attrs);
  const x = asFloats(inputs.x);
  const out = (backend as WasmBackend).makeOutput(info.outShape, 'float32');
  const [values, most] = valuesOf(backend, x, out);
  most.fill(Number.NEGATIVE_INFINITY);
  forEachTap(info, (from, to) => {
    if (values[from] > most[to]) most[to] = values[from];
  });
  return out;
};

/** `MaxPool3DGrad`: of equal values in a window the first gets the gradient. */
export const maxPool3DGrad: Kernel = ({ inputs, attrs, backend }) => {
  const info = infoOf('MaxPool3DGrad', inputs.input, attrs);
  checkShape('MaxPool3DGrad', 'dy', inputs.dy, info.outShape);
  const x = asFloats(inputs.input);
  const dy = asFloats(inputs.dy);
  const out = (backend as WasmBackend).makeOutput(info.inShape, 'float32');
  const [values, gradients, dx] = valuesOf(backend, x, dy, out);
  const most = new Float32Array(gradients.length).fill(Number.NEGATIVE_INFINITY);
  const where = new Int32Array(gradients.length).fill(-1);
  forEachTap(info, (from, to) => {
    if (!(values[from] > most[to])) return;
    most[to] = values[from];
    where[to] = from;
  });
  dx.fill(0);
  for (let i = 0; i < where.length; i++) if (where[i] >= 0) dx[where[i]] += gradients[i];
  return out;
};

/** `AvgPool3D`: the mean of the values inside a window. */
export const avgPool3D: Kernel = ({ inputs, attrs, backend }) => {
  const info = infoOf('AvgPool3D', inputs.x, attrs);
  const x = asFloats(inputs.x);
  const out = (backend as WasmBackend).makeOutput(info.outShape, 'float32');
  const [values, means] = valuesOf(backend, x, out);
  const counts = countsOf(info, means.length);
  means.fill(0);
  forEachTap(info, (from, to) => {
    means[to] += values[from] / counts[to];
  });
  return out;
};

/** `AvgPool3DGrad`. */
export const avgPool3DGrad: Kernel = ({ inputs, attrs, backend }) => {
  const info = infoOf('AvgPool3DGrad', inputs.input, attrs);
  checkShape('AvgPool3DGrad', 'dy', inputs.dy, info.outShape);
  const dy = asFloats(inputs.dy);
  const out = (backend as WasmBackend).makeOutput(info.inShape, 'float32');
  const [gradients, dx] = valuesOf(backend, dy, out);
  const counts = countsOf(info, gradients.length);
  dx.fill(0);
  forEachTap(info, (from, to) => {
    dx[from] += gradients[to] / counts[to];
  });
  return out;
};

type Info = tf.backend_util.Conv3DInfo;
type Triple = number | [number, number, number];

interface Attributes {
  filterSize: Triple;
  strides: Triple;
  pad: 'valid' | 'same' | number;
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
  dataFormat?: 'NDHWC' | 'NCDHW';
}

function infoOf(kernel: string, x: tf.Tensor, attrs: Record<string, unknown>): Info {
  checkRank(kernel, 'x', x, 5);
  const { filterSize, strides, pad, dimRoundingMode, dataFormat } = attrs as unknown as Attributes;
  const shape = x.shape as [number, number, number, number, number];
  return tf.backend_util.computePool3DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode, dataFormat);
}

/** Calls back with the index of every value inside a window, and the index of the window in the output. */
function forEachTap(info: Info, visit: (from: number, to: number) => void): void {
  const { batchSize, outDepth, outHeight, outWidth, inDepth, inHeight, inWidth, inChannels, padInfo } = info;
  let to = 0;
  for (let n = 0; n < batchSize; n++) {
    for (let d = 0; d < outDepth; d++) {
      const [firstD, lastD] = seen(d, info.strideDepth, info.filterDepth, padInfo.front, inDepth);
      for (let r = 0; r < outHeight; r++) {
        const [firstR, lastR] = seen(r, info.strideHeight, info.filterHeight, padInfo.top, inHeight);
        for (let c = 0; c < outWidth; c++) {
          const [firstC, lastC] = seen(c, info.strideWidth, info.filterWidth, padInfo.left, inWidth);
          for (let i = firstD; i < lastD; i++) {
            for (let j = firstR; j < lastR; j++) {
              for (let k = firstC; k < lastC; k++) {
                const from = (((n * inDepth + i) * inHeight + j) * inWidth + k) * inChannels;
                for (let channel = 0; channel < inChannels; channel++) visit(from + channel, to + channel);
              }
            }
          }
          to += inChannels;
        }
      }
    }
  }
}

function seen(i: number, stride: number, window: number, before: number, size: number): [number, number] {
  const first = i * stride - before;
  return [Math.max(0, first), Math.min(size, first + window)];
}

function countsOf(info: Info, size: number): Float32Array {
  const counts = new Float32Array(size);
  forEachTap(info, (_, to) => {
    counts[to]++;
  });
  return counts;
}
