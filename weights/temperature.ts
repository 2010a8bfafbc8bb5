import type * as tf from '@tensorflow/tfjs-core';
import { div, tidy } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/**
 * Finds the temperature T that calibrates probabilities best (Guo et al., "On Calibration of Modern Neural Networks", 2017):
 * it minimises the cross-entropy of softmax(log(p) / T), by golden-section search on log T.
 *
 * @param probabilities - [n,classes] flattened.
 * @param labels - The true class of each face, [n].
 */
export function bestTemperature(probabilities: Float32Array, labels: ArrayLike<number>): number {
  const classes = probabilities.length / labels.length;
  const loss = (temperature: number) => {
    let sum = 0;
    for (let row = 0; row < labels.length; row++) {
      let total = 0;
      for (let c = 0; c < classes; c++) total += Math.max(probabilities[row * classes + c], 1e-12) ** (1 / temperature);
      sum += Math.log(total) - Math.log(Math.max(probabilities[row * classes + labels[row]], 1e-12)) / temperature;
    }
    return sum;
  };

  const golden = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [Math.log(0.2), Math.log(5)];
  while (high - low > 1e-4) {
    const step = golden * (high - low);
    if (loss(Math.exp(high - step)) < loss(Math.exp(low + step))) high = low + step;
    else low = high - step;
  }
  return Math.exp((low + high) / 2);
}

/** Divides a model's logits by a temperature through the weights of its last layer: the architecture does not change. */
export function foldTemperature(model: LayersModel, temperature: number): void {
  for (const weight of model.layers[model.layers.length - 1].trainableWeights) {
    const variable = weight.read() as tf.Variable;
    tidy(() => variable.assign(div(variable, temperature)));
  }
}
