import * as tf from '@tensorflow/tfjs-core';
import { checkFit, checkShape } from './checks.js';
import { checkLayout } from './layout-checks.js';
import { valuesOf, type WasmBackend } from './native.js';
import type { Kernel } from './override.js';

/*
 * Complex numbers on the wasm backend, which lacks them. A complex64 tensor stores its real and imaginary parts interleaved in
 * the backend's memory, as TF.js reads them; it wraps a float tensor with one more axis.
 */

/** `Complex`. */
export const complex: Kernel = ({ inputs, backend }) => {
  const { real, imag } = inputs;
  checkShape('Complex', 'imag', imag, real.shape);
  const out = makeComplex(backend, real.shape);
  const [re, im, pairs] = valuesOf(backend, real, imag, pairsOf(out));
  for (let i = 0; i < re.length; i++) {
    pairs[2 * i] = re[i];
    pairs[2 * i + 1] = im[i];
  }
  return out;
};

/** `Real`. */
export const real: Kernel = ({ inputs, backend }) => partOf(backend, inputs.input, 0);

/** `Imag`. */
export const imag: Kernel = ({ inputs, backend }) => partOf(backend, inputs.input, 1);

/** `ComplexAbs`. */
export const complexAbs: Kernel = ({ inputs, backend }) => {
  const { x } = inputs;
  checkFit('ComplexAbs', isComplex(x), `a tensor of ${x.dtype} is not complex`);
  const out = (backend as WasmBackend).makeOutput(x.shape, 'float32');
  const [pairs, lengths] = valuesOf(backend, pairsOf(x), out);
  for (let i = 0; i < lengths.length; i++) lengths[i] = Math.hypot(pairs[2 * i], pairs[2 * i + 1]);
  return out;
};

/** A kernel that treats real and imaginary parts alike; it also accepts complex tensors. */
export const byParts: Kernel = ({ inputs, attrs, name }, plain) => {
  checkLayout(name, inputs, attrs);
  if (!Object.values(inputs).some(isComplex)) return plain();
  const run = (partOf: (x: tf.Tensor) => tf.Tensor, attributes: Record<string, unknown>) => {
    const parts = Object.entries(inputs).map(([key, x]) => [key, isComplex(x) ? partOf(x) : x]);
    const given = Array.isArray(inputs) ? parts.map(([, x]) => x) : Object.fromEntries(parts);
    return tf.engine().runKernel(name, given, attributes as tf.NamedAttrMap) as tf.Tensor | tf.Tensor[];
  };
  const re = run(tf.real, attrs);
  // The padding value is a real number.
  const im = run(tf.imag, 'constantValue' in attrs ? { ...attrs, constantValue: 0 } : attrs);
  if (Array.isArray(re)) return re.map((part, i) => tf.complex(part, (im as tf.Tensor[])[i]));
  return tf.complex(re, im as tf.Tensor);
};

/** `Multiply`, also for complex tensors. */
export const multiplyComplex: Kernel = ({ inputs: { a, b } }, plain) => {
  if (!isComplex(a) || !isComplex(b)) return plain();
  const [ar, ai, br, bi] = [tf.real(a), tf.imag(a), tf.real(b), tf.imag(b)];
  return tf.complex(tf.sub(tf.mul(ar, br), tf.mul(ai, bi)), tf.add(tf.mul(ar, bi), tf.mul(ai, br)));
};

/** `OnesLike`, also for complex tensors. */
export const onesLike: Kernel = ({ inputs: { x } }, plain) =>
  isComplex(x) ? tf.complex(tf.ones(x.shape), tf.zeros(x.shape)) : plain();

/** `Cast`, also to and from complex numbers. Every number except 0 is true, even below 1. */
export const cast: Kernel = ({ inputs: { x }, attrs, backend }, plain) => {
  const dtype = attrs.dtype as tf.DataType;
  if (x.dtype === dtype) return tf.clone(x);
  if (isComplex(x)) return tf.cast(tf.real(x), dtype);
  if (dtype === 'complex64') return tf.complex(tf.cast(x, 'float32'), tf.zeros(x.shape));
  if (dtype !== 'bool' || x.dtype === 'string') return plain();
  const out = (backend as WasmBackend).makeOutput(x.shape, 'bool');
  const [values, truths] = valuesOf(backend, x, out);
  for (let i = 0; i < values.length; i++) truths[i] = values[i] !== 0 ? 1 : 0;
  return out;
};

/** A complex tensor with uninitialized values. */
export function makeComplex(backend: unknown, shape: number[]): tf.TensorInfo {
  const { dataId } = (backend as WasmBackend).makeOutput([...shape, 2], 'float32');
  return { dataId, shape, dtype: 'complex64' };
}

/** The float tensor behind a complex tensor. */
export function pairsOf({ dataId, shape }: tf.TensorInfo): tf.TensorInfo {
  return { dataId, shape: [...shape, 2], dtype: 'float32' };
}

function isComplex(x: tf.TensorInfo | undefined): boolean {
  return x?.dtype === 'complex64';
}

function partOf(backend: unknown, x: tf.Tensor, part: 0 | 1): tf.TensorInfo {
  checkFit('Real, Imag', isComplex(x), `a tensor of ${x.dtype} has no real or imaginary part`);
  const out = (backend as WasmBackend).makeOutput(x.shape, 'float32');
  const [pairs, values] = valuesOf(backend, pairsOf(x), out);
  for (let i = 0; i < values.length; i++) values[i] = pairs[2 * i + part];
  return out;
}
