import * as tf from '@tensorflow/tfjs-core';
import { checkShape } from './checks.js';
import { addressOf, nativeOn, type WasmBackend } from './native.js';
import type { Kernel } from './override.js';

/**
 * `FerBatchNormGradient`, a kernel of our own: the gradients of `FusedBatchNorm` by x, mean, variance, scale and offset,
 * where those are vectors of one number a channel. Three passes over the images, of which TF.js makes some twenty.
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

/** The same out of ops that have gradients themselves. */
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
