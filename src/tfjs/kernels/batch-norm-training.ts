import * as tf from '@tensorflow/tfjs-core';
import { asFloats, checkFit, checkShape } from './checks.js';
import { defer, formulaOf, type Normalized } from './deferred.js';
import { addressOf, nativeOn, type WasmBackend, withScratch } from './native.js';
import { nestedGradients } from './nested-gradients.js';
import type { Kernel } from './override.js';

/**
 * `FerBatchNormTraining`, a kernel of our own: normalizes x by the mean and variance of each channel in the batch.
 * Inputs are x, scale and offset; the outputs are the normalized x, the means and the variances. It reads x twice, while
 * the ops of TF.js's layer read it seven times.
 */
export const batchNormTraining: Kernel = ({ inputs, attrs, backend }) => {
  const [x, scale, offset] = [inputs.x, inputs.scale, inputs.offset].map(asFloats);
  const columns = checkVectors('FerBatchNormTraining', x, { scale, offset });
  const varianceEpsilon = attrs.varianceEpsilon as number;
  const native = nativeOn(backend);
  if (native === null || x.size === 0) return composed(x, scale, offset, varianceEpsilon);

  const rows = x.size / columns;
  const make = (shape: number[]) => (backend as WasmBackend).makeOutput(shape, 'float32');
  const [mean, variance] = [make([columns]), make([columns])];
  const at = (tensor: tf.TensorInfo) => addressOf(backend, tensor);
  native.statistics(at(x), at(mean), at(variance), rows, columns);
  const formula: Normalized = { kind: 'normalized', x, mean, variance, scale, offset, epsilon: varianceEpsilon };
  const y = defer(backend, x.shape, formula);
  meansOf.set(y.dataId, mean.dataId);
  return [y, mean, variance];
};

/**
 * `FerBatchNormTrainingGradient`: the gradients of `FerBatchNormTraining` with respect to x, scale and offset, in two passes. `dMean`
 * and `dVariance` are the gradients of its other outputs.
 */
export const batchNormTrainingGradient: Kernel = ({ inputs, attrs, backend }) => {
  const kernel = 'FerBatchNormTrainingGradient';
  const floats = Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, asFloats(tensor)]));
  const { x, dy, scale, offset, mean, variance, dMean, dVariance } = floats;
  checkShape(kernel, 'dy', dy, x.shape);
  const columns = checkVectors(kernel, x, { scale, offset, mean, variance, dMean, dVariance });
  const varianceEpsilon = attrs.varianceEpsilon as number;
  const native = nativeOn(backend);
  if (native === null || x.size === 0) return composedGradient(floats, varianceEpsilon);

  const make = (shape: number[]) => (backend as WasmBackend).makeOutput(shape, 'float32');
  const outputs = [make(x.shape), make([columns]), make([columns])];
  const at = (tensor: tf.TensorInfo) => addressOf(backend, tensor);
  const formula = formulaOf(backend, dy);
  // The gradient of the activation that follows, in the same passes.
  const masked = formula?.kind === 'masked' && meansOf.get(formula.y.dataId) === mean.dataId ? formula : null;
  withScratch(backend, 12 * columns, (scratch) => {
    const addresses = [x, masked?.dy ?? dy, mean, variance, scale, dMean, dVariance, ...outputs].map(at);
    const mask = masked === null ? [0, 0, 0] : [at(offset), masked.low, masked.high];
    native.batchNormGradient(...addresses, x.size / columns, columns, varianceEpsilon, ...mask, scratch);
  });
  return outputs;
};

/** Gradients of the two kernels. The gradient of the second is a second derivative, for gradient penalties. */
export const batchNormTrainingGradients: tf.GradConfig[] = [
  {
    kernelName: 'FerBatchNormTraining',
    inputsToSave: ['x', 'scale', 'offset'],
    outputsToSave: [false, true, true],
    gradFunc(gradients, [x, scale, offset, mean, variance], attrs) {
      const [dy, dMean, dVariance] = gradients as tf.Tensor[];
      const inputs = { x, dy, scale, offset, mean, variance, dMean, dVariance };
      const [dx, dScale, dOffset] = tf
        .engine()
        .runKernel('FerBatchNormTrainingGradient', inputs, attrs) as unknown as tf.Tensor[];
      return { x: () => dx, scale: () => dScale, offset: () => dOffset };
    },
  },
  {
    kernelName: 'FerBatchNormTrainingGradient',
    inputsToSave: ['x', 'dy', 'scale', 'dMean', 'dVariance'],
    gradFunc(seconds, saved, attrs) {
      const weighted = (...inputs: tf.Tensor[]) => {
        const [x, dy, scale, dMean, dVariance] = inputs;
        const { mean, variance } = tf.moments(x, leadingAxes(x));
        const firsts = composedGradient(
          { x, dy, scale, mean, variance, dMean, dVariance },
          attrs.varianceEpsilon as number,
        );
        return tf.addN(firsts.map((first, i) => tf.sum(tf.mul(first, (seconds as tf.Tensor[])[i])))) as tf.Scalar;
      };
      const [x, dy, scale, dMean, dVariance] = nestedGradients(weighted, saved);
      // The mean and the variance are functions of x here.
      const none = () => tf.zerosLike(scale);
      return {
        ...{ x: () => x, dy: () => dy, scale: () => scale, offset: none, mean: none, variance: none },
        ...{ dMean: () => dMean, dVariance: () => dVariance },
      };
    },
  },
];

/** The mean by which a tensor was normalized, with or without an activation after it; both are ids of their data. */
const meansOf = new WeakMap<object, object>();

/** Notes that `y` is `x` after an activation, if `x` is the output of a batch normalization in training. */
export function followsNormalized(y: tf.TensorInfo, x: tf.TensorInfo): void {
  const mean = meansOf.get(x.dataId);
  if (mean !== undefined) meansOf.set(y.dataId, mean);
}

/** Whether a tensor is the output of a batch normalization in training, with or without an activation after it. */
export function wasNormalized(y: tf.TensorInfo): boolean {
  return meansOf.has(y.dataId);
}

function composed(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, varianceEpsilon: number): tf.Tensor[] {
  const { mean, variance } = tf.moments(x, leadingAxes(x));
  const factor = tf.mul(scale, tf.rsqrt(tf.add(variance, varianceEpsilon)));
  return [tf.add(tf.mul(tf.sub(x, mean), factor), offset), mean, variance];
}

function composedGradient(inputs: Record<string, tf.Tensor>, varianceEpsilon: number): tf.Tensor[] {
  const { x, dy, scale, mean, variance, dMean, dVariance } = inputs;
  const axes = leadingAxes(x);
  const rows = x.size / mean.size;
  const centred = tf.sub(x, mean);
  const perDeviation = tf.rsqrt(tf.add(variance, varianceEpsilon));
  const factor = tf.mul(scale, perDeviation);
  const dOffset = tf.sum(dy, axes);
  const dScale = tf.mul(tf.sum(tf.mul(dy, centred), axes), perDeviation);
  const slope = tf.sub(tf.mul(dVariance, 2), tf.mul(tf.mul(factor, perDeviation), dScale));
  const shift = tf.sub(dMean, tf.mul(factor, dOffset));
  const dx = tf.add(tf.mul(dy, factor), tf.div(tf.add(tf.mul(centred, slope), shift), rows));
  return [dx, dScale, dOffset];
}

function leadingAxes(x: tf.Tensor): number[] {
  return x.shape.slice(0, -1).map((_, axis) => axis);
}

function checkVectors(kernel: string, x: tf.Tensor, vectors: Record<string, tf.Tensor>): number {
  checkFit(kernel, x.shape.length > 1, `x has shape [${x.shape}], expected at least 2 axes`);
  const columns = x.shape[x.shape.length - 1];
  for (const [name, vector] of Object.entries(vectors)) checkShape(kernel, name, vector, [columns]);
  return columns;
}
