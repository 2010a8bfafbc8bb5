import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { buildModel } from '../../src/index.js';
import { randomStream } from '../../src/tfjs/train/random.js';
import { bestOffsets, foldOffsets, meanMacroRecall, type Said } from '../../weights/offsets.js';

/** Faces that a model tells apart well, but whose logits lack `missing`. */
function faces(missing: readonly number[], seed: number): Said {
  const random = randomStream(seed);
  const labels = Array.from({ length: 600 }, (_, i) => i % 5);
  const logs = labels.flatMap((label) => missing.map((less, c) => (c === label ? 3 : 0) + 2 * random() - less));
  return { logs: Float32Array.from(logs), labels };
}

test('bestOffsets finds what the logits of a class lack, independently of what is common to all', () => {
  const missing = [2.5, 0, 0, 0, 0];
  const sets = [faces(missing, 1), faces(missing, 2)];
  const offsets = bestOffsets(sets);
  expect(offsets.reduce((sum, offset) => sum + offset, 0)).toBeCloseTo(0, 9);
  expect(meanMacroRecall(sets, [0, 0, 0, 0, 0])).toBeLessThan(0.9);
  expect(meanMacroRecall(sets, offsets)).toBeGreaterThan(0.99);
  expect(offsets[0]).toBeGreaterThan(Math.max(...offsets.slice(1)));
});

test('meanMacroRecall counts every set and every class of a set the same, by hand', () => {
  const logs = (rows: number[]) =>
    Float32Array.from(rows.flatMap((said) => [0, 1, 2, 3, 4].map((c) => (c === said ? 0 : -1))));
  // Class 0: one of two right, class 1: right; then class 4 wrong.
  const sets = [
    { logs: logs([0, 3, 1]), labels: [0, 0, 1] },
    { logs: logs([2]), labels: [4] },
  ];
  expect(meanMacroRecall(sets, [0, 0, 0, 0, 0])).toBeCloseTo((0.75 + 0) / 2, 9);
  expect(meanMacroRecall(sets, [0, 0, 0, 0, 2])).toBeCloseTo((0 + 1) / 2, 9);
});

test('foldOffsets multiplies the odds of each class by the power of e that is added', () => {
  const model = buildModel({ seed: 1 });
  const inputs = tf.randomUniform([8, 32, 32, 1], 0, 1, 'float32', 2);
  const logs = () =>
    (tf.log(model.predict(inputs) as tf.Tensor).arraySync() as number[][]).map((row) => row.map((v) => v - row[3]));
  const before = logs();
  const offsets = [0.5, -0.25, 0.1, 0, -1];
  foldOffsets(model, offsets);
  for (const [i, row] of logs().entries()) {
    for (const [c, log] of row.entries()) expect(log - before[i][c]).toBeCloseTo(offsets[c], 4);
  }
});
