import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { describe, expect, test } from 'vitest';
import { buildModel, useBackend } from '../../../src/index.js';
import { Adam } from '../../../src/tfjs/train/adam.js';
import { trainingLoss } from '../../../src/tfjs/train/training-loss.js';
import { digestError, goldenInputs, readGolden, setGoldenWeights } from '../../golden-network.js';
import { leftOut, NIGHT } from '../../night.js';
import { sharedPath } from '../../shared.js';

if (!NIGHT) leftOut("the golden network on TF.js's cpu", '1');

const file = sharedPath('golden/network.json');

describe.skipIf(file === null).each(['cpu', 'wasm'])('the golden network on %s', (backend) => {
  const golden = file === null ? { cases: [], parameters: [] } : readGolden(file);

  // In plain JavaScript its gradients take half a minute.
  test.skipIf(backend === 'cpu' && !NIGHT).each(golden.cases.map((each) => [each.seed, each] as const))(
    'seed %i: forward, gradients, Adam',
    async (seed, expected) => {
      await useBackend(backend);
      const model = buildModel({ dropout: 0 });
      setGoldenWeights(model, golden, seed);
      const xs = goldenInputs(expected.batch, seed);
      const ys = tf.cast(tf.oneHot(expected.labels, 5), 'float32') as tf.Tensor2D;

      const probabilities = (model.predict(xs) as tf.Tensor).arraySync() as number[][];
      for (const [row, values] of expected.probabilities.entries()) {
        for (const [c, value] of values.entries()) expect(Math.abs(probabilities[row][c] - value)).toBeLessThan(1e-4);
      }

      const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
      const adam = new Adam(variables, { epsilon: expected.adam.epsilon });
      for (const [step, loss] of expected.adam.losses.entries()) {
        const { value, grads } = tf.variableGrads(() => trainingLoss(model, xs, ys, null).loss, variables);
        expect(Math.abs(value.dataSync()[0] - loss)).toBeLessThan(1e-4);
        if (step === 0) {
          for (const [name, digest] of Object.entries(expected.gradients)) {
            const gradient = grads[variableNamed(model, name).name];
            // A digest's own size is the scale: sums that are zero by symmetry are rounding alone.
            expect(digestError(gradient.dataSync(), digest), name).toBeLessThan(1e-3);
          }
        }
        adam.step(grads, expected.adam.learningRate);
        tf.dispose([value, grads]);
      }

      for (const [name, digest] of Object.entries(expected.adam.parameters)) {
        const values = variableNamed(model, name).dataSync();
        for (const [i, at] of digest.at.entries())
          expect(Math.abs(values[at] - digest.values[i]), name).toBeLessThan(1e-4);
      }
      const after = trainingLoss(model, xs, ys, null).loss.dataSync()[0];
      expect(Math.abs(after - expected.adam.lossAfter)).toBeLessThan(1e-4);
    },
  );
});

function variableNamed(model: LayersModel, name: string): tf.Variable {
  return model.weights.find((weight) => weight.originalName === name)!.read() as tf.Variable;
}
