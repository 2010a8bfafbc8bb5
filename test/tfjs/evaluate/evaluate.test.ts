import * as tf from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { buildModel, evaluate, type PixelImage, type Sample, useBackend } from '../../../src/index.js';
import { currentBackend } from '../../../src/tfjs/backends/current-backend.js';
import { setMetadata } from '../../../src/tfjs/model/metadata.js';

/** Says class 0 for dark images and class 1 for bright ones, with a confidence that grows with the contrast. */
function brightness() {
  const model = sequential({
    layers: [
      layers.averagePooling2d({ poolSize: 4, inputShape: [4, 4, 1] }),
      layers.flatten(),
      layers.dense({ units: 2, activation: 'softmax' }),
    ],
  });
  model.setWeights([tf.tensor2d([[-8, 8]]), tf.tensor1d([4, -4])]);
  return model;
}

const flat = (level: number, label: number): Sample => ({
  image: { data: new Uint8Array(16).fill(level), width: 4, height: 4, channels: 1 } as PixelImage,
  label,
});

describe('evaluate', () => {
  beforeAll(() => useBackend('cpu'));

  test('measures a model whose answers are known', async () => {
    // 255 -> logits (-4, 4); 0 -> (4, -4); 204 (0.8) -> (-2.4, 2.4).
    const data = [flat(255, 1), flat(0, 0), flat(204, 0), flat(0, 0)];
    const report = await evaluate(brightness(), data, { batchSize: 3 });
    expect(report.count).toBe(4);
    expect(report.confusionMatrix).toEqual([
      [2, 1],
      [0, 1],
    ]);
    expect(report.accuracy).toBe(0.75);
    expect(report.macroRecall).toBeCloseTo((2 / 3 + 1) / 2, 12);
    const confident = Math.log(1 + Math.exp(-8));
    expect(report.loss).toBeCloseTo((3 * confident + Math.log(1 + Math.exp(4.8))) / 4, 5);
    expect(report.classes.map(({ className }) => className)).toEqual(['class 0', 'class 1']);
  });

  test('gives the same report for tensors as for samples, in batches of any size', async () => {
    const data = Array.from({ length: 7 }, (_, i) => flat(i * 36, i % 2));
    const levels = data.flatMap(({ image }) => Array.from((image as PixelImage).data, (level) => level / 255));
    const xs = tf.tensor4d(levels, [7, 4, 4, 1]);
    const ys = tf.tensor1d(
      data.map(({ label }) => label as number),
      'int32',
    );
    const expected = await evaluate(brightness(), data);
    for (const batchSize of [1, 2, 7, 100]) {
      expect(await evaluate(brightness(), { xs, ys }, { batchSize })).toEqual(expected);
    }
  });

  test('names the emotions, and takes other names', async () => {
    const model = buildModel({ seed: 1 });
    const face = { image: { data: new Uint8Array(1024), width: 32, height: 32, channels: 1 } as PixelImage, label: 2 };
    expect((await evaluate(model, [face])).classes.map(({ className }) => className)).toEqual([
      'angry',
      'happy',
      'sad',
      'neutral',
      'surprised',
    ]);
    const classes = ['a', 'b', 'c', 'd', 'e'];
    expect((await evaluate(model, [face], { classes })).classes[2]).toMatchObject({ className: 'c', support: 1 });
    await expect(evaluate(model, [face], { classes: ['a'] })).rejects.toMatchObject({ code: 'CLASSES' });
  });

  test('uses the class names of the model, unless their number is wrong', async () => {
    const model = brightness();
    const namesOf = async () => (await evaluate(model, [flat(0, 0)])).classes.map(({ className }) => className);
    setMetadata(model, { classes: ['dark', 'bright'] });
    expect(await namesOf()).toEqual(['dark', 'bright']);
    setMetadata(model, { classes: ['dark', 'bright', 'other'] });
    expect(await namesOf()).toEqual(['class 0', 'class 1']);
  });

  test.each([
    ['names', { classes: ['a', 'b', 'c'] }, 'CLASSES', '3 class names for a model with 2 classes'],
    ['half a batch', { batchSize: 1.5 }, 'OPTION', 'batchSize must be a positive integer, got 1.5'],
    ['no batch', { batchSize: 0 }, 'OPTION', 'batchSize must be a positive integer, got 0'],
  ])('refuses options that do not fit, in whole words: %s', async (_, options, code, message) => {
    await expect(evaluate(brightness(), [flat(0, 0)], options)).rejects.toMatchObject({ code, message });
  });

  test('disposes what the backend made for it, whether it ends, is stopped or fails', async () => {
    const backend = await currentBackend();
    const { predictor } = backend;
    const dispose = vi.fn();
    const predict = vi.fn(async (_: Float32Array, count: number) => new Float32Array(2 * count).fill(0.5));
    backend.predictor = () => ({ predict, dispose });
    try {
      await evaluate(brightness(), [flat(0, 0)]);
      expect(dispose).toHaveBeenCalledTimes(1);
      const stop = new AbortController();
      const why = new Error('enough');
      const stopped = evaluate(brightness(), [flat(0, 0), flat(0, 0)], {
        batchSize: 1,
        signal: stop.signal,
        onBatch: () => stop.abort(why),
      });
      await expect(stopped).rejects.toMatchObject({ code: 'ABORTED', message: 'evaluate was aborted', cause: why });
      expect(predict).toHaveBeenCalledTimes(2);
      expect(dispose).toHaveBeenCalledTimes(2);
      predict.mockRejectedValueOnce(why);
      await expect(evaluate(brightness(), [flat(0, 0)])).rejects.toBe(why);
      expect(dispose).toHaveBeenCalledTimes(3);
    } finally {
      backend.predictor = predictor;
    }
  });

  test('leaves no tensor behind and refuses what it cannot measure', async () => {
    const model = brightness();
    await evaluate(model, [flat(1, 0)]);
    const before = tf.memory().numTensors;
    await evaluate(model, [flat(1, 0), flat(200, 1)]);
    await expect(evaluate(model, [])).rejects.toMatchObject({ code: 'DATA' });
    await expect(evaluate(model, [flat(1, 2)])).rejects.toMatchObject({ code: 'CLASSES' });
    await expect(evaluate(model, [flat(1, 0)], { batchSize: 0 })).rejects.toMatchObject({ code: 'OPTION' });
    await expect(evaluate(model, [flat(1, 0)], { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORTED',
    });
    await expect(evaluate(model, [{ image: './nowhere.png', label: 0 }])).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(tf.memory().numTensors).toBe(before);
  });
});
