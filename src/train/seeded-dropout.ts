import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { randomBits } from './random.js';

/**
 * Runs one training step with every dropout layer of the model drawing from the step's own stream. TF.js's layer draws
 * either from `Math.random`, which cannot be repeated, or with a seed of its own, which gives the same mask every step.
 *
 * @param keys - Integers that decide the masks, such as seed and step.
 */
export function withSeededDropout<T>(model: LayersModel, keys: readonly number[], work: () => T): T {
  const dropouts = dropoutLayers(model);
  dropouts.forEach((layer, i) => {
    layer.call = (inputs) => {
      const input = Array.isArray(inputs) ? inputs[0] : inputs;
      const shape = layer.noiseShape?.map((size, axis) => size ?? input.shape[axis]) ?? input.shape;
      return tf.tidy(() => tf.mul(input, tf.tensor(dropoutMask(shape, layer.rate, [...keys, i]), shape)));
    };
  });
  try {
    return work();
  } finally {
    // The class's own method shows again.
    for (const layer of dropouts) delete layer.call;
  }
}

/**
 * Zeros at the given rate, and 1 / (1 - rate) elsewhere, so that the expectation stays ("inverted" dropout; Srivastava
 * et al., 2014, section 10). The rate is met to 1/65536.
 *
 * @param shape - Its product is the length.
 * @param keys - Integers that decide the mask.
 */
export function dropoutMask(shape: readonly number[], rate: number, keys: readonly number[]): Float32Array {
  const mask = new Float32Array(shape.reduce((product, axis) => product * axis, 1));
  const next = randomBits(...keys);
  const threshold = Math.round(rate * 65536);
  const kept = 1 / (1 - rate);
  for (let i = 0; i < mask.length; i += 2) {
    const bits = next();
    mask[i] = (bits & 0xffff) < threshold ? 0 : kept;
    // Written past the end of an odd length, it is dropped.
    mask[i + 1] = bits >>> 16 < threshold ? 0 : kept;
  }
  return mask;
}

// --- below this line: helpers of this file alone ---

type Layer = LayersModel['layers'][number];

/** What TF.js's dropout layer is inside; `call` is set on the one object for the time of a step. */
interface DropoutLayer {
  rate: number;
  noiseShape?: (number | null)[];
  call?: (inputs: tf.Tensor | tf.Tensor[]) => tf.Tensor;
}

function dropoutLayers(model: LayersModel): DropoutLayer[] {
  return model.layers.flatMap((layer: Layer | LayersModel): DropoutLayer[] => {
    if ('layers' in layer) return dropoutLayers(layer as LayersModel);
    const dropout = layer as unknown as DropoutLayer;
    return layer.getClassName() === 'Dropout' && dropout.rate > 0 && dropout.rate < 1 ? [dropout] : [];
  });
}
