import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Backend } from '../../classify/backend.js';
import { followWeights } from '../../classify/follow-weights.js';
import type { Predictor } from '../../network/predictor.js';
import { runOn } from './current-backend.js';

/** Runs any Layers model with TF.js, on a started backend. */
export function tfjsPredictor(backend: Backend, model: LayersModel): Predictor {
  const shape = model.inputs[0].shape.slice(1) as number[];
  const upToDate = followWeights(model);
  return {
    async predict(inputs, n) {
      await upToDate();
      const output = runOn(backend, () =>
        tf.tidy(() => model.apply(tf.tensor(inputs, [n, ...shape], 'float32'), { training: false }) as tf.Tensor),
      );
      try {
        return (await output.data()) as Float32Array;
      } finally {
        output.dispose();
      }
    },
    dispose() {},
  };
}
