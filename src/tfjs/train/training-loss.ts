import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers } from '@tensorflow/tfjs-layers';

/**
 * Mean categorical cross-entropy of a model in training mode, in nats, with a weight per sample.
 *
 * If the model ends in a softmax, the loss is computed from the logits before it, which neither overflows nor loses small
 * probabilities. For other models, probabilities are clipped to at least 1e-7, as in Keras.
 *
 * @param xs - Inputs, [n,height,width,channels].
 * @param ys - Probabilities, [n,classes].
 * @param weights - [n], relative to 1; the sum is divided by n.
 * @returns The loss, a scalar, and the outputs from which it is computed: logits or probabilities [n,classes], same order.
 */
export function trainingLoss(
  model: LayersModel,
  xs: tf.Tensor,
  ys: tf.Tensor2D,
  weights: tf.Tensor1D | null,
): { loss: tf.Scalar; outputs: tf.Tensor2D } {
  const softmax = finalSoftmax(model);
  let each: tf.Tensor;
  let outputs: tf.Tensor2D;
  if (softmax === null) {
    outputs = model.apply(xs, { training: true }) as tf.Tensor2D;
    each = tf.neg(tf.sum(tf.mul(ys, tf.log(tf.clipByValue(outputs, 1e-7, 1))), 1));
  } else {
    outputs = withoutActivation(softmax, () => model.apply(xs, { training: true }) as tf.Tensor2D);
    each = tf.losses.softmaxCrossEntropy(ys, outputs, undefined, 0, tf.Reduction.NONE);
  }
  return { loss: tf.mean(weights === null ? each : tf.mul(each, weights)), outputs };
}

interface Activation {
  getClassName(): string;
}
type Activated = { activation: Activation };

/** The last layer, if it applies a softmax over the classes to its own linear output. */
function finalSoftmax(model: LayersModel): Activated | null {
  const layer = model.outputs[0].sourceLayer;
  if (!['Dense', 'Activation'].includes(layer.getClassName())) return null;
  const activated = layer as unknown as Activated;
  return activated.activation?.getClassName() === 'softmax' ? activated : null;
}

let linear: Activation | undefined;

function withoutActivation<T>(layer: Activated, work: () => T): T {
  linear ??= (layers.activation({ activation: 'linear' }) as unknown as Activated).activation;
  const before = layer.activation;
  layer.activation = linear;
  try {
    return work();
  } finally {
    layer.activation = before;
  }
}
