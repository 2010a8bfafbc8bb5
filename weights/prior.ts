import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/**
 * Takes a share of what a model has learned about how frequent the classes are out of its answers: share * log(prior)
 * less on each logit, in the bias of its last layer (Menon et al., "Long-Tail Learning via Logit Adjustment", 2021).
 * The architecture stays as it is.
 *
 * @param prior - Share of each class in the training labels, [classes]; they sum to 1.
 * @param share - 0 leaves the model as it is; 1 makes it answer as if all classes were equally frequent.
 */
export function foldPrior(model: LayersModel, prior: readonly number[], share: number): void {
  const weights = model.layers[model.layers.length - 1].trainableWeights;
  const bias = weights[weights.length - 1].read() as tf.Variable;
  tf.tidy(() => bias.assign(tf.sub(bias, tf.mul(tf.log(tf.tensor1d([...prior])), share))));
}
