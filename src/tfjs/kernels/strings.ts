import * as tf from '@tensorflow/tfjs-core';
import { byParts } from './complex.js';
import { checkLayout } from './layout-checks.js';
import { valuesOf, type WasmBackend } from './native.js';
import type { Kernel } from './override.js';

/*
 * Kernels that TF.js's wasm backend has only for numbers. Strings are not in its memory: it keeps their bytes in JavaScript.
 */

/** `Equal`, `NotEqual`, `Less`, `LessEqual`, `Greater` and `GreaterEqual`, also for strings. */
export const compare: Kernel = ({ inputs: { a, b }, backend, name }, plain) => {
  if (a.dtype !== 'string' || b.dtype !== 'string') return plain();
  const shape = tf.backend_util.assertAndGetBroadcastShape(a.shape, b.shape);
  const [left, right] = [a, b].map((tensor) => {
    const texts = tf.backend_util.fromUint8ToStringArray(bytesOf(backend, tensor));
    return indicesOf(tensor.shape, shape).map((i) => texts[i]);
  });
  return tf.tensor(
    left.map((text, i) => COMPARISONS[name](text, right[i])),
    shape,
    'bool',
  );
};

/** `Fill`, also for strings. */
export const fill: Kernel = ({ attrs, backend }, plain) => {
  const { shape, value } = attrs as { shape: number[]; value: number | string };
  if (typeof value !== 'string') return plain();
  const bytes = tf.util.encodeString(value);
  const count = tf.util.sizeFromShape(shape);
  return makeStrings(
    backend,
    shape,
    Array.from({ length: count }, () => bytes),
  );
};

/** `Tile`, also for strings. Whole repeated blocks, such as a vector for all rows, are copied at once. */
export const tile: Kernel = (call, plain) => {
  const { inputs, attrs, backend } = call;
  const { x } = inputs;
  const { reps } = attrs as { reps: number[] };
  checkLayout('Tile', inputs, attrs);
  if (x.dtype !== 'string') return hasWholeBlocks(x.shape, reps) ? repeat(backend, x, reps) : byParts(call, plain);
  const shape = x.shape.map((size, axis) => size * reps[axis]);
  const bytes = bytesOf(backend, x);
  const tiled = indicesOf(x.shape, shape).map((i) => bytes[i]);
  return makeStrings(backend, shape, tiled);
};

/** `SparseToDense`, also for strings. */
export const sparseToDense: Kernel = ({ inputs, attrs, backend }, plain) => {
  const { sparseIndices, sparseValues, defaultValue } = inputs;
  checkLayout('SparseToDense', inputs, attrs);
  if (sparseValues.dtype !== 'string') return plain();
  const { outputShape } = attrs as { outputShape: number[] };
  const dense = new Array<Uint8Array>(tf.util.sizeFromShape(outputShape)).fill(bytesOf(backend, defaultValue)[0]);
  const values = bytesOf(backend, sparseValues);
  const strides = [...tf.util.computeStrides(outputShape), 1];
  const places = sparseIndices.dataSync();
  const axes = outputShape.length;
  for (let i = 0; i * axes < places.length; i++) {
    let at = 0;
    for (let axis = 0; axis < axes; axis++) at += places[i * axes + axis] * strides[axis];
    if (at >= 0 && at < dense.length) dense[at] = values[values.length === 1 ? 0 : i];
  }
  return makeStrings(backend, outputShape, dense);
};

const COMPARISONS: Record<string, (a: string, b: string) => boolean> = {
  Equal: (a, b) => a === b,
  NotEqual: (a, b) => a !== b,
  Less: (a, b) => a < b,
  LessEqual: (a, b) => a <= b,
  Greater: (a, b) => a > b,
  GreaterEqual: (a, b) => a >= b,
};

/** Whether all axes between the first and the last repeated axis, except the last, have length 1. */
function hasWholeBlocks(shape: number[], reps: number[]): boolean {
  const [first, last] = repeatedAxes(reps);
  return shape.slice(first, Math.max(first, last)).every((size) => size === 1);
}

function repeatedAxes(reps: number[]): [first: number, last: number] {
  const isRepeated = (times: number) => times !== 1;
  return [Math.max(0, reps.findIndex(isRepeated)), Math.max(0, reps.findLastIndex(isRepeated))];
}

function repeat(backend: unknown, x: tf.Tensor, reps: number[]): tf.TensorInfo {
  if (x.dtype === 'complex64') return tf.complex(tf.tile(tf.real(x), reps), tf.tile(tf.imag(x), reps));
  const shape = x.shape.map((size, axis) => size * reps[axis]);
  const out = (backend as WasmBackend).makeOutput(shape, x.dtype);
  const [values, tiled] = valuesOf(backend, x, out);
  if (tiled.length === 0) return out;
  const size = tf.util.sizeFromShape(x.shape.slice(repeatedAxes(reps)[0]));
  const tiledSize = size * (tiled.length / values.length);
  for (let from = 0, to = 0; from < values.length; from += size, to += tiledSize) {
    if (size === 1) {
      tiled.fill(values[from], to, to + tiledSize);
      continue;
    }
    tiled.set(values.subarray(from, from + size), to);
    // The copied part doubles each time.
    for (let done = size; done < tiledSize; done *= 2) {
      tiled.copyWithin(to + done, to, to + Math.min(done, tiledSize - done));
    }
  }
  return out;
}

function bytesOf(backend: unknown, { dataId }: tf.TensorInfo): Uint8Array[] {
  return (backend as tf.KernelBackend).readSync(dataId) as unknown as Uint8Array[];
}

function makeStrings(backend: unknown, shape: number[], bytes: Uint8Array[]): tf.TensorInfo {
  const out = (backend as WasmBackend).makeOutput(shape, 'string');
  (backend as WasmBackend).dataIdMap.get(out.dataId).stringBytes = bytes;
  return out;
}

/** For every index in `to`, the index in `from` that it repeats; axes are aligned at the end. */
function indicesOf(from: number[], to: number[]): number[] {
  const shape = [...to.slice(from.length).map(() => 1), ...from];
  const strides = [...tf.util.computeStrides(shape), 1];
  const steps = [...tf.util.computeStrides(to), 1];
  return Array.from({ length: tf.util.sizeFromShape(to) }, (_, place) =>
    to.reduce(
      (index, size, axis) => index + ((Math.floor(place / steps[axis]) % size) % shape[axis]) * strides[axis],
      0,
    ),
  );
}
