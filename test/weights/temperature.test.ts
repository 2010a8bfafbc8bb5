import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { buildModel } from '../../src/index.js';
import { randomStream } from '../../src/tfjs/train/random.js';
import { bestTemperature, foldTemperature } from '../../weights/temperature.js';

test('bestTemperature finds the temperature that labels were drawn with', () => {
  const random = randomStream(4);
  const labels: number[] = [];
  const probabilities: number[] = [];
  for (let i = 0; i < 20_000; i++) {
    const logits = Array.from({ length: 3 }, () => 4 * random());
    const at = (temperature: number) => {
      const powers = logits.map((logit) => Math.exp(logit / temperature));
      const total = powers.reduce((a, b) => a + b);
      return powers.map((power) => power / total);
    };
    // Labels follow temperature 2; the network is surer than that.
    const truth = at(2);
    const draw = random();
    labels.push(draw < truth[0] ? 0 : draw < truth[0] + truth[1] ? 1 : 2);
    probabilities.push(...at(1));
  }
  expect(bestTemperature(Float32Array.from(probabilities), labels)).toBeCloseTo(2, 0);
  expect(Math.abs(bestTemperature(Float32Array.from(probabilities), labels) - 2)).toBeLessThan(0.1);
});

test('foldTemperature divides the logits and leaves every answer', () => {
  const model = buildModel({ seed: 1 });
  const faces = tf.randomUniform([8, 32, 32, 1], 0, 1, 'float32', 2);
  const logs = () =>
    (tf.log(model.predict(faces) as tf.Tensor).arraySync() as number[][]).map((row) => row.map((v) => v - row[0]));
  const before = logs();
  foldTemperature(model, 0.5);
  for (const [i, row] of logs().entries())
    for (const [c, value] of row.entries()) expect(value).toBeCloseTo(2 * before[i][c], 4);
});
