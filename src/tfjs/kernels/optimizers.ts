import * as tf from '@tensorflow/tfjs-core';
import { addressOf, type NativeKernels, nativeOn, type WasmBackend } from './native.js';

/**
 * Lets TF.js's own Adam make its step in one pass over the wasm backend's memory, its means in place; what it computes
 * stays the same. On other backends, and where the native kernels do not run, it is what it was.
 */
export function registerOptimizers(): void {
  const prototype = tf.AdamOptimizer.prototype as unknown as Adam;
  const { applyGradients: plain } = prototype;
  if (plain === fused) return;
  plainApply = plain;
  prototype.applyGradients = fused;
}

type Gradients = tf.NamedTensorMap | { name: string; tensor: tf.Tensor }[];

interface Moment {
  originalName: string;
  variable: tf.Variable;
}

/** What TF.js's Adam keeps; not all of it is public. */
interface Adam {
  applyGradients(gradients: Gradients): void;
  incrementIterations(): void;
  learningRate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  accBeta1: tf.Variable;
  accBeta2: tf.Variable;
  accumulatedFirstMoment: Moment[];
  accumulatedSecondMoment: Moment[];
}

let plainApply: Adam['applyGradients'];

function fused(this: Adam, gradients: Gradients): void {
  const named = Array.isArray(gradients)
    ? gradients.map(({ name, tensor }) => [name, tensor] as const)
    : Object.entries(gradients);
  const variables = tf.engine().registeredVariables;
  const native = tf.getBackend() === 'wasm' ? nativeOn(tf.backend()) : null;
  const suits = named.every(
    ([name, gradient]) => variables[name].dtype === 'float32' && (gradient == null || gradient.dtype === 'float32'),
  );
  if (native === null || !suits) {
    plainApply.call(this, gradients);
    return;
  }
  tf.tidy(() => {
    named.forEach(([name, gradient], i) => {
      const value = variables[name];
      this.accumulatedFirstMoment[i] ??= momentOf(`${name}/m`, value);
      this.accumulatedSecondMoment[i] ??= momentOf(`${name}/v`, value);
      if (gradient != null) step(native, this, i, value, gradient);
    });
    this.accBeta1.assign(tf.mul(this.accBeta1, this.beta1));
    this.accBeta2.assign(tf.mul(this.accBeta2, this.beta2));
  });
  this.incrementIterations();
}

function momentOf(originalName: string, value: tf.Variable): Moment {
  return { originalName, variable: tf.tidy(() => tf.variable(tf.zerosLike(value), false)) };
}

function step(native: NativeKernels, adam: Adam, i: number, value: tf.Variable, gradient: tf.Tensor): void {
  tf.util.assertShapesMatch(value.shape, gradient.shape, 'Adam: ');
  const backend = tf.backend() as unknown as WasmBackend;
  const first = own(adam.accumulatedFirstMoment[i].variable);
  const second = own(adam.accumulatedSecondMoment[i].variable);
  const updated = backend.makeOutput(value.shape, 'float32');
  native.adam(
    ...[value, gradient, first, second, updated].map((tensor) => addressOf(backend, tensor)),
    ...[value.size, adam.learningRate, adam.beta1, adam.beta2, adam.epsilon],
    ...[1 / (1 - adam.accBeta1.dataSync()[0]), 1 / (1 - adam.accBeta2.dataSync()[0]), 1],
  );
  value.assign(tf.engine().makeTensorFromTensorInfo(updated));
}

/** The variable with values of its own: what changes in place must not be seen through a clone. */
function own(variable: tf.Variable): tf.Variable {
  if (tf.backend().refCount(variable.dataId) > 1) variable.assign(tf.mul(variable, 1));
  return variable;
}
