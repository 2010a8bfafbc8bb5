import * as tf from '@tensorflow/tfjs-core';
import { followsNormalized, wasNormalized } from './batch-norm-training.js';
import { checkShape } from './checks.js';
import { byParts } from './complex.js';
import { clippedCopy, defer, formulaOf, settle } from './deferred.js';
import { addressOf, nativeOn, valuesOf, type WasmBackend } from './native.js';
import type { Kernel, KernelCall, KernelOutput } from './override.js';

/** `Add` of a vector to every row: a bias. */
export const add: Kernel = (call, plain) => {
  const { inputs, backend } = call;
  const { a, b } = inputs;
  const native = nativeOn(backend);
  const columns = a.shape[a.shape.length - 1];
  const floats = native !== null && a.dtype === 'float32' && b.dtype === 'float32' && a.size > 0;
  // Not within another kernel, whose intermediate tensors the sum would hold.
  const { gradientDepth, kernelDepth } = tf.engine().state as { gradientDepth: number; kernelDepth?: number };
  const training = gradientDepth > 0 && kernelDepth === 1;
  if (floats && training && a.shape.length > 1 && tf.util.arraysEqual(a.shape, b.shape))
    return defer(backend, a.shape, {
      kind: 'sum',
      a: normalizedOrSettled(backend, a),
      b: normalizedOrSettled(backend, b),
    });
  settle(backend, inputs);
  const isBias = b.shape.length === 1 && a.shape.length > 1 && b.shape[0] === columns;
  if (native === null || !isBias || a.dtype !== 'float32' || b.dtype !== 'float32' || a.size === 0)
    return byParts(call, plain);

  const out = (backend as WasmBackend).makeOutput(a.shape, 'float32');
  const rows = a.size / columns;
  native.addBias(addressOf(backend, a), addressOf(backend, b), addressOf(backend, out), rows, columns);
  return out;
};

/** An operand that is computed together with the sum. Sums of sums are not: they could be of any depth. */
function normalizedOrSettled(backend: unknown, x: tf.Tensor): tf.Tensor {
  if (formulaOf(backend, x)?.kind !== 'normalized') settle(backend, { x });
  return x;
}

/** `Sum` over the leading axes: a bias's gradient. TF.js's own transposes first. */
export const sum: Kernel = (call, plain) => {
  const { inputs, attrs, backend } = call;
  const { x } = inputs;
  const native = nativeOn(backend);
  const { axis, keepDims } = attrs as { axis: number | number[]; keepDims: boolean };
  const axes = tf.util.parseAxisParam(axis, x.shape).sort((p, q) => p - q);
  const leading = axes.length > 0 && axes.length < x.shape.length && axes.every((value, i) => value === i);
  if (x.size === 0) {
    const size = (dim: number, i: number) => (!axes.includes(i) ? [dim] : keepDims ? [1] : []);
    return tf.zeros(x.shape.flatMap(size), x.dtype === 'bool' ? 'int32' : x.dtype);
  }
  if (native === null || !leading || x.dtype !== 'float32') return byParts(call, plain);

  const kept = x.shape.slice(axes.length);
  const columns = tf.util.sizeFromShape(kept);
  const out = (backend as WasmBackend).makeOutput(keepDims ? [...axes.map(() => 1), ...kept] : kept, 'float32');
  native.sumRows(addressOf(backend, x), addressOf(backend, out), x.size / columns, columns);
  return out;
};

/** `Identity` without a copy. TF.js copies every tensor that it saves for the backward pass. */
export const identity: Kernel = ({ inputs, backend }, plain) => {
  const { x } = inputs;
  if (x.dtype === 'string') return plain();
  // Moves the tensor here if another backend has it.
  (backend as WasmBackend).dataIdMap.get(x.dataId);
  (backend as tf.KernelBackend).incRef(x.dataId);
  return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
};

/** `Relu`, in one pass with the batch normalization or the sum before it. */
export const relu: Kernel = (call, plain) => clipped(call, plain, 0, Number.POSITIVE_INFINITY);

/** `Relu6`, in the same way. */
export const relu6: Kernel = (call, plain) => clipped(call, plain, 0, 6);

function clipped({ inputs: { x }, backend }: KernelCall, plain: () => KernelOutput, low: number, high: number) {
  const out = clippedCopy(backend, x, low, high);
  if (out === null) {
    settle(backend, { x });
    return plain();
  }
  followsNormalized(out, x);
  return out;
}

/** The smallest positive number, as a bound: the slope of ReLU at 0 is 0. */
export const ABOVE_ZERO = 2 ** -149;

/** The gradient of `Relu` in one pass, a kernel of our own. TF.js uses three ops: step, cast and multiply. */
export const reluGradient: Kernel = ({ inputs, backend }) => {
  const { x, dy } = inputs;
  checkShape('FerReluGradient', 'dy', dy, x.shape);
  const native = nativeOn(backend);
  if (native === null || x.dtype !== 'float32' || dy.dtype !== 'float32') {
    return tf.tidy(() => tf.mul(dy, tf.cast(tf.step(x), 'float32')));
  }
  if (wasNormalized(x))
    return defer(backend, x.shape, { kind: 'masked', dy, y: x, low: ABOVE_ZERO, high: Number.POSITIVE_INFINITY });
  settle(backend, inputs);
  const out = (backend as WasmBackend).makeOutput(x.shape, 'float32');
  native.reluGradient(addressOf(backend, x), addressOf(backend, dy), addressOf(backend, out), x.size);
  return out;
};

/** `ClipByValue`. TF.js's own turns NaN into a number, which hides a diverged training. */
export const clipByValue: Kernel = ({ inputs, attrs, backend }) => {
  const { x } = inputs;
  const { clipValueMin, clipValueMax } = attrs as { clipValueMin: number; clipValueMax: number };
  const out = (backend as WasmBackend).makeOutput(x.shape, x.dtype);
  const native = nativeOn(backend);
  if (native !== null && x.dtype === 'float32') {
    native.clip(addressOf(backend, x), addressOf(backend, out), x.size, clipValueMin, clipValueMax);
    return out;
  }
  const [values, clipped] = valuesOf(backend, x, out);
  for (let i = 0; i < values.length; i++) {
    clipped[i] = Math.min(clipValueMax, Math.max(clipValueMin, values[i]));
  }
  return out;
};

/** `Prelu`. TF.js's own treats slopes of any shape as one per channel. */
export const prelu: Kernel = ({ inputs: { x, alpha } }, plain) => {
  const perChannel = alpha.shape.length === 1 && alpha.shape[0] === x.shape[x.shape.length - 1];
  if (perChannel && x.dtype === 'float32' && alpha.dtype === 'float32') return plain();
  return tf.add(tf.maximum(x, 0), tf.mul(alpha, tf.minimum(x, 0)));
};

/** `FerClipGradient`, a kernel of our own: `dy` where `x` lies within the bounds. */
export const clipGradient: Kernel = ({ inputs, attrs, backend }) => {
  const { x, dy } = inputs;
  const { low, high } = attrs as { low: number; high: number };
  checkShape('FerClipGradient', 'dy', dy, x.shape);
  const native = nativeOn(backend);
  if (native === null || x.dtype !== 'float32' || dy.dtype !== 'float32') {
    return tf.where(tf.logicalAnd(tf.greaterEqual(x, low), tf.lessEqual(x, high)), dy, tf.zerosLike(dy));
  }
  if (wasNormalized(x)) return defer(backend, x.shape, { kind: 'masked', dy, y: x, low, high });
  settle(backend, inputs);
  const out = (backend as WasmBackend).makeOutput(x.shape, 'float32');
  native.clipGradient(addressOf(backend, x), addressOf(backend, dy), addressOf(backend, out), x.size, low, high);
  return out;
};

/** `Mean` over the leading axes, as a sum; TF.js's own transposes first. */
export const mean: Kernel = (call, plain) => {
  const { inputs, attrs, backend } = call;
  const { x } = inputs;
  const { axis } = attrs as { axis: number | number[] };
  const axes = tf.util.parseAxisParam(axis, x.shape);
  const leading = axes.length > 0 && axes.length < x.shape.length && axes.every((_, i) => axes.includes(i));
  if (nativeOn(backend) === null || !leading || x.dtype !== 'float32' || x.size === 0) return plain();
  const count = axes.reduce((product, i) => product * x.shape[i], 1);
  return tf.div(tf.engine().runKernel('Sum', inputs, attrs as tf.NamedAttrMap) as tf.Tensor, count);
};
