import * as tf from '@tensorflow/tfjs-core';
import { addressOf, nativeOn, type WasmBackend } from './native.js';
import type { Kernel } from './override.js';

/** `Add`, where a vector is added to every row: a bias. */
export const add: Kernel = ({ inputs, backend }, plain) => {
  const { a, b } = inputs;
  const native = nativeOn(backend);
  const columns = a.shape[a.shape.length - 1];
  const isBias = b.shape.length === 1 && a.shape.length > 1 && b.shape[0] === columns;
  if (native === null || !isBias || a.dtype !== 'float32' || b.dtype !== 'float32' || a.size === 0) return plain();

  const out = (backend as WasmBackend).makeOutput(a.shape, 'float32');
  const rows = a.size / columns;
  native.addBias(addressOf(backend, a), addressOf(backend, b), addressOf(backend, out), rows, columns);
  return out;
};

/** `Sum` over the leading axes: a bias's gradient. TF.js's own transposes first. */
export const sum: Kernel = ({ inputs, attrs, backend }, plain) => {
  const { x } = inputs;
  const native = nativeOn(backend);
  const { axis, keepDims } = attrs as { axis: number | number[]; keepDims: boolean };
  const axes = tf.util.parseAxisParam(axis, x.shape).sort((p, q) => p - q);
  const leading = axes.length > 0 && axes.length < x.shape.length && axes.every((value, i) => value === i);
  if (native === null || !leading || x.dtype !== 'float32' || x.size === 0) return plain();

  const kept = x.shape.slice(axes.length);
  const columns = tf.util.sizeFromShape(kept);
  const out = (backend as WasmBackend).makeOutput(keepDims ? [...axes.map(() => 1), ...kept] : kept, 'float32');
  native.sumRows(addressOf(backend, x), addressOf(backend, out), x.size / columns, columns);
  return out;
};

/** `Identity` without a copy: TF.js makes one of every tensor that it saves for the backward pass. */
export const identity: Kernel = ({ inputs, backend }, plain) => {
  const { x } = inputs;
  if (x.dtype === 'string') return plain();
  // Moves the tensor here if another backend has it.
  addressOf(backend, x);
  (backend as tf.KernelBackend).incRef(x.dataId);
  return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
};

/** The gradient of `Relu` in one pass, a kernel of our own: TF.js's is a step, a cast and a product. */
export const reluGradient: Kernel = ({ inputs, backend }) => {
  const { x, dy } = inputs;
  const native = nativeOn(backend);
  if (native === null || x.dtype !== 'float32' || dy.dtype !== 'float32') {
    return tf.tidy(() => tf.mul(dy, tf.cast(tf.step(x), 'float32')));
  }
  const out = (backend as WasmBackend).makeOutput(x.shape, 'float32');
  native.reluGradient(addressOf(backend, x), addressOf(backend, dy), addressOf(backend, out), x.size);
  return out;
};
