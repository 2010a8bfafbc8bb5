import * as tf from '@tensorflow/tfjs-core';
import { checkFit, checkShape } from './checks.js';
import { addressOf, nativeOn, type WasmBackend, withScratch } from './native.js';
import type { Kernel } from './override.js';

/** `FusedBatchNorm` with one number per channel. TF.js's kernel computes every index and factor again for each value. */
export const fusedBatchNorm: Kernel = ({ inputs, attrs, backend }, plain) => {
  const { x, mean, variance, scale, offset } = inputs;
  const native = nativeOn(backend);
  const columns = x.shape[x.shape.length - 1];
  const vectors = [mean, variance, scale, offset].filter((vector) => vector != null);
  for (const { shape, size } of vectors) {
    checkFit('FusedBatchNorm', x.size % size === 0, `[${shape}] cannot be broadcast to x of shape [${x.shape}]`);
  }
  const suits = [x, ...vectors].every(({ dtype }) => dtype === 'float32') && x.shape.length > 1 && x.size > 0;
  if (native === null || !suits || !vectors.every(({ shape }) => shape.length === 1 && shape[0] === columns)) {
    return plain();
  }
  const out = (backend as WasmBackend).makeOutput(x.shape, 'float32');
  const at = (tensor?: tf.TensorInfo | null) => (tensor == null ? 0 : addressOf(backend, tensor));
  withScratch(backend, 4 * columns, (factor) => {
    native.factors(at(variance), at(scale), factor, columns, attrs.varianceEpsilon as number);
    const bounds = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
    native.normalize(at(x), at(mean), factor, at(offset), at(out), x.size / columns, columns, ...bounds);
  });
  return out;
};

/**
 * `FerBatchNormGradient`, a kernel of our own: the gradients of `FusedBatchNorm` with respect to x, mean, variance, scale
 * and offset, with one number per channel. It makes three passes over the images; TF.js makes about twenty.
 */
export const batchNormGradientKernel: Kernel = ({ inputs, attrs, backend }) => {
  const { x, dy, mean, variance, scale } = inputs;
  const native = nativeOn(backend);
  const columns = x.shape[x.shape.length - 1];
  checkShape('FerBatchNormGradient', 'dy', dy, x.shape);
  for (const vector of [mean, variance, scale]) checkShape('FerBatchNormGradient', 'a vector', vector, [columns]);

  const varianceEpsilon = attrs.varianceEpsilon as number;
  if (native === null) return batchNormGradient(x, dy, mean, variance, scale, varianceEpsilon);
  const rows = x.size / columns;
  const make = (shape: number[]) => (backend as WasmBackend).makeOutput(shape, 'float32');
  const [sums, products, dx] = [make([columns]), make([columns]), make(x.shape)];
  const at = (tensor: tf.TensorInfo) => addressOf(backend, tensor);
  native.sumsOfGradient(at(x), at(dy), at(mean), at(sums), at(products), rows, columns);
  const [dOffset, centred] = [sums, products].map((sum) => tf.engine().makeTensorFromTensorInfo(sum));
  const perDeviation = tf.rsqrt(tf.add(variance, varianceEpsilon));
  const factor = tf.mul(scale, perDeviation);
  native.scaleRows(at(dy), at(factor), at(dx), rows, columns);
  const dVariance = tf.mul(tf.mul(centred, factor), tf.mul(tf.square(perDeviation), -0.5));
  return [dx, tf.neg(tf.mul(dOffset, factor)), dVariance, tf.mul(centred, perDeviation), dOffset];
};

/** The same, composed of ops that have gradients themselves. */
export function batchNormGradient(
  x: tf.Tensor,
  dy: tf.Tensor,
  mean: tf.Tensor,
  variance: tf.Tensor,
  scale: tf.Tensor,
  varianceEpsilon: number,
): tf.Tensor[] {
  const rows = x.shape.slice(0, -1).map((_, axis) => axis);
  const centred = tf.sub(x, mean);
  const perDeviation = tf.rsqrt(tf.add(variance, varianceEpsilon));
  const factor = tf.mul(scale, perDeviation);
  const [dOffset, products] = [tf.sum(dy, rows), tf.sum(tf.mul(dy, centred), rows)];
  const dVariance = tf.mul(tf.mul(products, factor), tf.mul(tf.square(perDeviation), -0.5));
  return [tf.mul(dy, factor), tf.neg(tf.mul(dOffset, factor)), dVariance, tf.mul(products, perDeviation), dOffset];
}
