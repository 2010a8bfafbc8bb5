import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { dropout } from '../kernels/dropout.js';
import { randomBits } from './random.js';

/**
 * Runs one training step in which every dropout layer of the model draws from the step's own random stream. TF.js's layer uses
 * either `Math.random`, which is not reproducible, or a fixed seed, which gives the same mask in every step.
 *
 * @param keys - Integers that determine the masks, such as seed and step.
 */
export function withSeededDropout<T>(model: LayersModel, keys: readonly number[], work: () => T): T {
  const dropouts = dropoutLayers(model);
  dropouts.forEach((layer, i) => {
    layer.call = (inputs) => {
      const input = Array.isArray(inputs) ? inputs[0] : inputs;
      const shape = layer.noiseShape?.map((size, axis) => size ?? input.shape[axis]);
      const seed = randomBits(...keys, i)();
      return tf.tidy(() => {
        if (shape === undefined) return dropout(input, layer.rate, seed);
        return tf.mul(input, dropout(tf.ones(shape), layer.rate, seed));
      });
    };
  });
  try {
    return work();
  } finally {
    // The class's own method is visible again.
    for (const layer of dropouts) delete layer.call;
  }
}

type Layer = LayersModel['layers'][number];

/** The inside of TF.js's dropout layer; `call` is set on the single object during a step. */
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
