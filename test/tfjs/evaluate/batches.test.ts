import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { useBackend } from '../../../src/classify/use-backend.js';
import { evaluate } from '../../../src/tfjs/evaluate/evaluate.js';
import { plotConfusionMatrix } from '../../../src/tfjs/evaluate/plot-confusion-matrix.js';
import { buildModel } from '../../../src/tfjs/model/build-model.js';
import { train } from '../../../src/tfjs/train/train.js';

beforeAll(() => useBackend('wasm'));

describe('batches of tensors', () => {
  test('an async iterable, and what looks as a tf.data.Dataset, count as the tensors they are cut from', async () => {
    const model = buildModel({ seed: 1 });
    const whole = {
      xs: tf.randomUniform([10, 32, 32, 1], 0, 1, 'float32', 3),
      ys: tf.tensor1d([0, 1, 2, 3, 4, 0, 1, 2, 3, 4]),
    };
    const parts = [
      [0, 4],
      [4, 5],
      [9, 1],
    ];
    const cut = ([from, size]: number[]) => ({
      xs: tf.slice(whole.xs, [from, 0, 0, 0], [size, 32, 32, 1]),
      ys: tf.slice(whole.ys, [from], [size]),
    });
    async function* batches() {
      for (const part of parts) {
        const batch = cut(part);
        yield batch;
        tf.dispose(batch);
      }
    }
    const dataset = {
      async iterator() {
        const left = [...parts];
        return {
          next: async () =>
            left.length > 0 ? { value: cut(left.shift()!), done: false } : { value: null, done: true },
        };
      },
    };
    const report = await evaluate(model, whole);
    const before = tf.memory().numTensors;
    expect(await evaluate(model, batches())).toEqual(report);
    expect(await evaluate(model, dataset)).toEqual(report);
    expect(tf.memory().numTensors).toBe(before);

    const weightsAfter = async (data: Parameters<typeof train>[1]) => {
      const trained = buildModel({ seed: 1 });
      await train(trained, data, { epochs: 1, batchSize: 4, seed: 1 });
      return trained.getWeights().map((weight) => [...weight.dataSync()]);
    };
    expect(await weightsAfter(dataset)).toEqual(await weightsAfter(whole));
    await expect(train(model, batches(), { augment: { flip: true } })).rejects.toMatchObject({ code: 'OPTION' });
  });
});

test.each([2, 7, 40])('a confusion matrix of %d classes has numbers that fit their cells', (count) => {
  const classes = Array.from({ length: count }, (_, c) => ({ className: `class number ${c}` }));
  const confusionMatrix = classes.map((_, t) => classes.map((_, s) => (t === s ? 123 : 0)));
  const size = Math.max(320, 20 * count);
  const { layer } = plotConfusionMatrix({ classes, confusionMatrix }, { size }) as unknown as {
    layer: { mark: { fontSize?: number } }[];
  };
  const { fontSize = 0 } = layer[1].mark;
  expect(fontSize).toBeGreaterThanOrEqual(6);
  // Three digits, of some 0.6 of their height each.
  expect(3 * 0.6 * fontSize).toBeLessThanOrEqual(size / count);
});
