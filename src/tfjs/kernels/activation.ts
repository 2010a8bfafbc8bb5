import * as tf from '@tensorflow/tfjs-core';

/** The activations that TF.js fuses with convolutions and matrix products. */
export type FusedActivation = 'linear' | 'relu' | 'elu' | 'relu6' | 'prelu' | 'leakyrelu' | 'sigmoid';

/** An activation of TF.js's fused kernels, as a separate op. */
export function activate(
  x: tf.Tensor,
  activation: FusedActivation = 'linear',
  preluWeights?: tf.Tensor,
  leakyReluAlpha?: number,
): tf.Tensor {
  switch (activation) {
    case 'linear':
      return x;
    case 'relu':
      return tf.relu(x);
    case 'elu':
      return tf.elu(x);
    case 'relu6':
      return tf.relu6(x);
    case 'prelu':
      return tf.prelu(x, preluWeights as tf.Tensor);
    case 'leakyrelu':
      return tf.leakyRelu(x, leakyReluAlpha);
    case 'sigmoid':
      return tf.sigmoid(x);
    default:
      throw new Error(`unknown activation ${activation}`);
  }
}
