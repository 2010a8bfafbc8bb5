import * as tf from '@tensorflow/tfjs-core';

/**
 * Gradients of a function within a backward pass. TF.js ends the recording of the outer pass with the inner one; here the
 * outer one goes on.
 *
 * @param f - Gives a scalar.
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
