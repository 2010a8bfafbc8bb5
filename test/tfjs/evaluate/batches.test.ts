import { data as tfData } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { useBackend } from '../../../src/classify/use-backend.js';
import { evaluate } from '../../../src/tfjs/evaluate/evaluate.js';
import type { LabelledData } from '../../../src/tfjs/evaluate/labelled-data.js';
import { plotConfusionMatrix } from '../../../src/tfjs/evaluate/plot-confusion-matrix.js';
import { buildModel } from '../../../src/tfjs/model/build-model.js';
import { train } from '../../../src/tfjs/train/train.js';

beforeAll(() => useBackend('wasm'));

describe('batches of tensors', () => {
  test('a Dataset of tf.data counts as the tensors that it is made of: in batches, mapped, one by one', async () => {
    const model = buildModel({ seed: 1 });
    const xs = tf.randomUniform<tf.Rank.R4>([10, 32, 32, 1], 0, 1, 'float32', 3);
    const labels = [0, 1, 2, 3, 4, 0, 1, 2, 3, 4];
    const whole = { xs, ys: tf.tensor1d(labels) };
    const report = await evaluate(model, whole);
    const images = tf.unstack(xs);
    const rows = tfData.array(images.map((image, i) => ({ image, label: labels[i] })));
    const batches = rows.batch(4).map((row) => {
      const { image, label } = row as { image: tf.Tensor; label: tf.Tensor };
      return { xs: image.clone(), ys: label.clone() };
    }) as unknown as LabelledData;
    const single = tfData.generator(function* () {
      for (const [i, image] of images.entries()) yield { xs: image.clone(), ys: tf.oneHot(labels[i], 5).toFloat() };
    }) as unknown as LabelledData;

    expect(await evaluate(model, batches)).toEqual(report);
    expect(await evaluate(model, single)).toEqual(report);
    const weightsAfter = async (data: LabelledData) => {
      const trained = buildModel({ seed: 1 });
      const { history } = await train(trained, data, { epochs: 2, batchSize: 4, seed: 1, validationData: batches });
      return [history, trained.getWeights().map((weight) => [...weight.dataSync()])];
    };
    const expected = await weightsAfter(whole);
    expect(await weightsAfter(batches)).toEqual(expected);
    expect(await weightsAfter(single)).toEqual(expected);
    const labelled = (ys: (i: number) => unknown) =>
      tfData.array(images.map((image, i) => ({ xs: image.clone(), ys: ys(i) })) as never) as unknown as LabelledData;
    expect(
      await evaluate(
        model,
        labelled((i) => labels[i]),
      ),
    ).toEqual(report);
    const oneHot = (i: number) => labels.slice(0, 5).map((label) => Number(label === labels[i]));
    expect(await evaluate(model, labelled(oneHot))).toEqual(report);
    await expect(
      evaluate(
        model,
        labelled(() => 'happy'),
      ),
    ).rejects.toMatchObject({ code: 'DATA' });
  });

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
