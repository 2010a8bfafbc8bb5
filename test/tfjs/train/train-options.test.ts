import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, test } from 'vitest';
import { type TrainOptions, useBackend } from '../../../src/index.js';
import type { CheckpointStore } from '../../../src/runtime.js';
import { setMetadata } from '../../../src/tfjs/model/metadata.js';
import { trainSettings } from '../../../src/tfjs/train/train-options.js';

beforeAll(() => useBackend('cpu'));

/** Of pictures of 4 x 3 pixels, two classes. */
function classifier() {
  return sequential({
    layers: [layers.flatten({ inputShape: [3, 4, 1] }), layers.dense({ units: 2, activation: 'softmax' })],
  });
}

const store: CheckpointStore = { save: async () => {}, load: async () => null };
const validationData: TrainOptions['validationData'] = [];

describe('the settings of a training', () => {
  test('have the defaults that the options name', () => {
    const { schedule, ...settings } = trainSettings(classifier(), {});
    expect(settings).toStrictEqual({
      spec: { height: 3, width: 4, channels: 1, inputSize: 12, classes: 2 },
      epochs: 10,
      batchSize: 32,
      learningRate: 1e-3,
      weightDecay: 0,
      normalization: 'unit',
      seed: 1,
      sampling: 'shuffled',
      augment: null,
      classWeights: undefined,
      ema: null,
      monitor: 'loss',
      earlyStopping: null,
      workers: 1,
      store: null,
      signal: undefined,
    });
    expect([0, 0.5, 1].map(schedule)).toEqual([1, 1, 1]);
  });

  test('follow the options, up to the ends of their ranges', () => {
    const schedule = (progress: number) => 1 - progress;
    const { signal } = new AbortController();
    const told = {
      ...{ epochs: 1, batchSize: 1, seed: 0, workers: 1, learningRate: 1e-9, weightDecay: 1e-9, ema: 1e-9 },
      ...({ sampling: 'square-root', normalization: 'standardize', monitor: 'valAccuracy' } as const),
      ...{ earlyStopping: { patience: 1 }, classWeights: [0, 2], augment: { flip: true }, schedule, signal },
    };
    const {
      spec,
      store: kept,
      ...settings
    } = trainSettings(classifier(), { ...told, validationData, checkpoint: store });
    expect(settings).toStrictEqual(told);
    expect(kept).toBe(store);

    const most = { epochs: Number.MAX_SAFE_INTEGER, workers: 128, ema: 0.9999, sampling: 'balanced' } as const;
    expect(trainSettings(classifier(), { ...most, classWeights: 'balanced' })).toMatchObject({
      ...most,
      classWeights: 'balanced',
    });
    expect(trainSettings(classifier(), { resume: true, checkpoint: store })).toMatchObject({ store });
  });

  test('validation data is watched by its loss, unless another figure is named', () => {
    expect(trainSettings(classifier(), { validationData }).monitor).toBe('valLoss');
    for (const monitor of ['loss', 'valLoss', 'valAccuracy', 'valMacroRecall'] as const) {
      expect(trainSettings(classifier(), { validationData, monitor }).monitor).toBe(monitor);
    }
    expect(trainSettings(classifier(), { monitor: 'loss' }).monitor).toBe('loss');
  });

  test('normalise as the model was trained before', () => {
    const model = classifier();
    setMetadata(model, { normalization: 'standardize' });
    expect(trainSettings(model, {}).normalization).toBe('standardize');
    expect(trainSettings(model, { normalization: 'unit' }).normalization).toBe('unit');
  });

  test('a path is a folder of checkpoints', async () => {
    const folder = join(mkdtempSync(join(tmpdir(), 'fer-options-')), 'run');
    const { store } = trainSettings(classifier(), { checkpoint: folder });
    expect(await store!.load()).toBeNull();
    await store!.save(Uint8Array.of(1));
    expect(readdirSync(folder)).toEqual(['checkpoint.bin']);
  });
});

describe('options out of their range are refused, by name and value', () => {
  const { NaN: none, POSITIVE_INFINITY: infinite, MAX_SAFE_INTEGER: most } = Number;
  test.each<[TrainOptions, string]>([
    [{ epochs: 0 }, 'epochs must be an integer of 1 or more, got 0'],
    [{ epochs: 1.5 }, 'epochs must be an integer of 1 or more, got 1.5'],
    [{ epochs: most + 1 }, `epochs must be an integer of 1 or more, got ${most + 1}`],
    [{ batchSize: 0 }, 'batchSize must be an integer of 1 or more, got 0'],
    [{ seed: -1 }, 'seed must be an integer of 0 or more, got -1'],
    [{ workers: 0 }, 'workers must be an integer from 1 to 128, got 0'],
    [{ workers: 129 }, 'workers must be an integer from 1 to 128, got 129'],
    [{ learningRate: 0 }, 'learningRate must be positive, got 0'],
    [{ learningRate: none }, 'learningRate must be positive, got NaN'],
    [{ learningRate: infinite }, 'learningRate must be positive, got Infinity'],
    [{ weightDecay: -0.1 }, 'weightDecay must be 0 or more, got -0.1'],
    [{ weightDecay: none }, 'weightDecay must be 0 or more, got NaN'],
    [{ weightDecay: infinite }, 'weightDecay must be 0 or more, got Infinity'],
    [{ sampling: 'all' as 'balanced' }, "sampling must be 'shuffled', 'balanced' or 'square-root', got 'all'"],
    [{ ema: 0 }, 'ema must be in (0, 1), got 0'],
    [{ ema: 1 }, 'ema must be in (0, 1), got 1'],
    [{ ema: none }, 'ema must be in (0, 1), got NaN'],
    [{ classWeights: [1, -1] }, 'classWeights must be 0 or more, got 1, -1'],
    [{ classWeights: [infinite, 1] }, 'classWeights must be 0 or more, got Infinity, 1'],
    [{ classWeights: [1, none] }, 'classWeights must be 0 or more, got 1, NaN'],
    [
      { monitor: 'accuracy' as 'loss', validationData },
      "monitor must be 'loss', 'valLoss', 'valAccuracy' or 'valMacroRecall', got 'accuracy'",
    ],
    [{ monitor: 'valAccuracy' }, "monitor 'valAccuracy' needs validationData"],
    [{ earlyStopping: { patience: 0 } }, 'earlyStopping.patience must be an integer of 1 or more, got 0'],
    [{ resume: true }, 'resume needs a checkpoint'],
  ])('%o', (options, message) => {
    expect(() => trainSettings(classifier(), options)).toThrow(expect.objectContaining({ code: 'OPTION', message }));
  });

  test('what augmentation refuses, too', () => {
    expect(() => trainSettings(classifier(), { augment: { shift: 2 } })).toThrow(
      expect.objectContaining({ code: 'OPTION', message: expect.stringMatching(/augment\.shift .*got 2/) }),
    );
  });

  test('a number of class weights that is not that of the classes', () => {
    expect(() => trainSettings(classifier(), { classWeights: [1, 1, 1] })).toThrow(
      expect.objectContaining({ code: 'CLASSES', message: '3 classWeights for a model with 2 classes' }),
    );
  });
});
