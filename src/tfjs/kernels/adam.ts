import * as tf from '@tensorflow/tfjs-core';
import { checkShape } from './checks.js';
import { addressOf, nativeOn, type WasmBackend } from './native.js';

export interface AdamOptions {
  /** Step size. */
  learningRate: number;
  /** Decay of the running mean of gradients. @default 0.9 */
  beta1?: number;
  /** Decay of the running mean of squared gradients. @default 0.999 */
  beta2?: number;
  /** Added to the root, outside it. @default 1e-7 */
  epsilon?: number;
  /** Decoupled weight decay: every step multiplies each weight by 1 - learningRate * weightDecay. @default 0 */
  weightDecay?: number;
  /** Number of this step; the first is 1. */
  step: number;
}

/**
 * One step of Adam (Kingma and Ba, "Adam", 2015) with decoupled weight decay (Loshchilov and Hutter, "Decoupled weight
 * decay regularization", 2019), in one pass over the wasm backend's memory:
 *
 *     m = beta1 m + (1 - beta1) g             v = beta2 v + (1 - beta2) g^2
 *     w = w (1 - rate * decay) - rate * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
 *
 * `m` and `v` change in place: nothing else may use their memory. The variable gets a new tensor, because TF.js caches what
 * it derives from weights by their identity.
 *
 * @param variable - The weights; `gradient`, `m` and `v` have its shape.
 * @param m - Running mean of the gradients, zeros before the first step.
 * @param v - Running mean of their squares, zeros before the first step.
 * @returns Whether the step was done. If false, the native kernels do not run here, and nothing has changed.
 * @throws FerError `SHAPE` when a tensor's shape is not that of the weights.
 * @example
 * if (!adamStep(weights, gradient, m, v, { learningRate: 1e-3, step })) optimizer.applyGradients({ [name]: gradient });
 */
export function adamStep(
  variable: tf.Variable,
  gradient: tf.Tensor,
  m: tf.Tensor,
  v: tf.Tensor,
  options: AdamOptions,
): boolean {
  const { learningRate, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7, weightDecay = 0, step } = options;
  const tensors = { gradient, m, v };
  for (const [name, tensor] of Object.entries(tensors)) checkShape('adamStep', name, tensor, variable.shape);
  const floats = [variable, gradient, m, v].every(({ dtype }) => dtype === 'float32');
  if (tf.getBackend() !== 'wasm' || !floats) return false;
  const backend = tf.backend() as unknown as WasmBackend;
  const native = nativeOn(backend);
  if (native === null) return false;

  const updated = backend.makeOutput(variable.shape, 'float32');
  native.adam(
    ...[addressOf(backend, variable), addressOf(backend, gradient), addressOf(backend, m), addressOf(backend, v)],
    ...[addressOf(backend, updated), variable.size],
    ...[learningRate, beta1, beta2, epsilon],
    ...[1 / (1 - beta1 ** step), 1 / (1 - beta2 ** step), 1 - learningRate * weightDecay],
  );
  variable.assign(tf.engine().makeTensorFromTensorInfo(updated));
  return true;
}
