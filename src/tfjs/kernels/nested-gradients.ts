import * as tf from '@tensorflow/tfjs-core';

/**
 * Gradients of a function inside a backward pass. In TF.js, the inner pass ends the recording of the outer pass; here the
 * outer recording continues.
 *
 * @param f - Returns a scalar.
 * @returns One gradient for each input.
 */
export function nestedGradients(f: (...inputs: tf.Tensor[]) => tf.Scalar, inputs: tf.Tensor[]): tf.Tensor[] {
  const state = tf.engine().state as { activeTape: unknown };
  const { activeTape } = state;
  try {
    return tf.grads(f)(inputs);
  } finally {
    state.activeTape = activeTape;
  }
}
