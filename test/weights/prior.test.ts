import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { buildModel } from '../../src/index.js';
import { foldPrior } from '../../weights/prior.js';

test('foldPrior divides the odds of two classes by the ratio of their frequencies to the power of the share', () => {
  const model = buildModel({ seed: 1 });
  const faces = tf.randomUniform([8, 32, 32, 1], 0, 1, 'float32', 2);
  const odds = () => (model.predict(faces) as tf.Tensor).arraySync() as number[][];
  const before = odds();
  const prior = [0.1, 0.3, 0.1, 0.4, 0.1];
  foldPrior(model, prior, 0.5);
  for (const [row, after] of odds().entries()) {
    for (const c of [1, 2, 3, 4]) {
      const change = after[c] / after[0] / (before[row][c] / before[row][0]);
      expect(change).toBeCloseTo(Math.sqrt(prior[0] / prior[c]), 4);
    }
  }
});
