import * as tf from '@tensorflow/tfjs-core';
import { byParts } from './complex.js';
import { valuesOf, type WasmBackend } from './native.js';
import type { Kernel } from './override.js';

/** `Slice`. TF.js's own copies the whole tensor first, and accepts slices past its end. */
export const slice: Kernel = (call, plain) => {
  const { inputs, attrs, backend } = call;
  const x = inputs.x;
  const { begin, size } = attrs as { begin: number | number[]; size: number | number[] };
  const [from, sizes] = tf.slice_util.parseSliceParams(x, begin, size);
  tf.slice_util.assertParamsValid(x, from, sizes);
  if (x.dtype === 'string' || x.dtype === 'complex64') return byParts(call, plain);

  const out = (backend as WasmBackend).makeOutput(sizes, x.dtype);
  if (tf.util.sizeFromShape(sizes) === 0) return out;
  const [values, part] = valuesOf(backend, x, out);
  const strides = [...tf.util.computeStrides(x.shape), 1];
  // Values that are contiguous in both tensors are copied at once.
  let whole = sizes.length;
  while (whole > 0 && sizes[whole - 1] === x.shape[whole - 1]) whole--;
  const outer = sizes.slice(0, Math.max(0, whole - 1));
  const run = tf.util.sizeFromShape(sizes.slice(outer.length));
  const start = from.reduce((offset, first, axis) => offset + first * strides[axis], 0);
  const at = outer.map(() => 0);
  for (let to = 0; to < part.length; to += run) {
    const offset = at.reduce((sum, i, axis) => sum + i * strides[axis], start);
    part.set(values.subarray(offset, offset + run), to);
    for (let axis = outer.length - 1; axis >= 0 && ++at[axis] === outer[axis]; axis--) at[axis] = 0;
  }
  return out;
};
