import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { FerError, type Sample, type TrainOptions, train, useBackend } from '../../../src/index.js';
import { runtime } from '../../../src/platform/node/runtime.js';
import type { CheckpointStore } from '../../../src/runtime.js';
import { metadataOf, setMetadata } from '../../../src/tfjs/model/metadata.js';

beforeAll(() => useBackend('cpu'));
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

/** Of pictures of two pixels: is the left one brighter? */
function classifier(): LayersModel {
  const model = sequential({
    layers: [layers.flatten({ inputShape: [1, 2, 1] }), layers.dense({ units: 2, activation: 'softmax' })],
  });
  const kernel = tf.tensor2d([
    [1, -1],
    [-1, 1],
  ]);
  model.setWeights([kernel, tf.tensor1d([0, 0])]);
  return model;
}

const picture = (level: number, label = 0): Sample => ({
  image: { data: Uint8Array.of(level, 0), width: 2, height: 1, channels: 1 },
  label,
});

/** Five samples; the model is wrong about the last. */
const data = [picture(255), picture(204), picture(153), picture(102), picture(51, 1)];
/** -log of what the model says of each sample's class. */
const losses = [1, 0.8, 0.6, 0.4, -0.2].map((margin) => Math.log(1 + Math.exp(-2 * margin)));

/** The weights hardly change. */
const still: TrainOptions = { epochs: 2, batchSize: 2, learningRate: 1e-9 };

describe('the figures of an epoch', () => {
  test('count every sample once, those of the smaller last batch as the others', async () => {
    const { history } = await train(classifier(), data, still);
    const mean = losses.reduce((sum, loss) => sum + loss) / 5;
    expect(history.loss).toHaveLength(2);
    for (const loss of history.loss) expect(loss).toBeCloseTo(mean, 5);
    expect(history.accuracy).toEqual([0.8, 0.8]);
    expect(history.learningRate).toEqual([1e-9, 1e-9]);
  });

  test('a schedule is asked at every step for the share of the training that is done', async () => {
    const schedule = vi.fn((progress: number) => 1 - progress);
    const { history } = await train(classifier(), data, { ...still, schedule });
    const asked = schedule.mock.calls.map(([progress]) => progress * 6);
    for (const [step, progress] of asked.entries()) expect(progress).toBeCloseTo(step, 9);
    expect(asked).toHaveLength(6);
    expect(history.learningRate[0]).toBeCloseTo(1e-9 * (1 - 2 / 6), 15);
    expect(history.learningRate[1]).toBeCloseTo(1e-9 * (1 - 5 / 6), 15);
  });

  test('a loss that is not a number ends the training, and the message names the epoch', async () => {
    // At the first step of the third epoch the weights nearly overflow, at the second the loss does.
    const schedule = (progress: number) => (progress === 0.5 ? 3e47 : 1);
    const broken = train(classifier(), data, { ...still, epochs: 4, schedule });
    await expect(broken).rejects.toMatchObject({
      code: 'NOT_FINITE',
      message: expect.stringMatching(/^the loss became (NaN|Infinity) in epoch 3: try a smaller learning rate$/),
    });
  });

  test('augmentation changes what is trained on', async () => {
    const plain = await train(classifier(), data, still);
    const { history } = await train(classifier(), data, { ...still, augment: { contrast: 0.5 } });
    expect(history.loss[0]).not.toBeCloseTo(plain.history.loss[0], 5);
  });
});

describe('callbacks', () => {
  test('are called at the beginning, at every step and every epoch, one after the other, and awaited', async () => {
    const told: unknown[] = [];
    const slowly = async (what: unknown) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      told.push(what);
    };
    const { history } = await train(classifier(), data, {
      ...{ ...still, epochs: 1 },
      callbacks: [
        {},
        {
          onTrainBegin: slowly,
          onBatchEnd: ({ loss, ...rest }) => slowly({ ...rest, loss: loss > 0 }),
          onEpochEnd: (epoch, figures) => slowly([epoch, figures]),
        },
        { onTrainBegin: () => void told.push('second') },
      ],
    });
    expect(told).toEqual([
      { samples: 5, stepsPerEpoch: 3, epochs: 1 },
      'second',
      { epoch: 1, step: 1, stepsPerEpoch: 3, loss: true },
      { epoch: 1, step: 2, stepsPerEpoch: 3, loss: true },
      { epoch: 1, step: 3, stepsPerEpoch: 3, loss: true },
      [1, { loss: history.loss[0], accuracy: history.accuracy[0], learningRate: 1e-9 }],
    ]);
  });

  test('receive the mean loss of each batch', async () => {
    const seen: number[] = [];
    await train(classifier(), data, {
      ...{ ...still, batchSize: 1, epochs: 1 },
      callbacks: { onBatchEnd: ({ loss }) => void seen.push(loss) },
    });
    const [sorted, expected] = [seen, losses].map((each) => [...each].sort((a, b) => a - b));
    for (const [i, loss] of sorted.entries()) expect(loss).toBeCloseTo(expected[i], 5);
    expect(seen).toHaveLength(5);
  });
});

describe('a model that is disposed of', () => {
  test('is not trained', async () => {
    const model = classifier();
    model.dispose();
    const lock = vi.fn(async () => async () => {});
    const store = { load: async () => null, save: async () => {}, lock };
    await expect(train(model, data, { ...still, checkpoint: store })).rejects.toMatchObject({
      ...{ name: 'FerError', code: 'DISPOSED', message: 'the model has been disposed' },
    });
    expect(lock).not.toHaveBeenCalled();
  });

  test.each(['onTrainBegin', 'onBatchEnd', 'onEpochEnd'])(
    'in %s ends the training, and no tensor stays',
    async (moment) => {
      const model = classifier();
      const before = tf.memory().numTensors;
      const training = train(model, data, { ...still, ema: 0.9, callbacks: { [moment]: () => void model.dispose() } });
      await expect(training).rejects.toMatchObject({
        ...{ name: 'FerError', code: 'DISPOSED', message: 'the model has been disposed while it was trained' },
        cause: expect.objectContaining({ message: expect.stringMatching(/already disposed/) }),
      });
      // But for its weights, which are gone.
      expect(tf.memory().numTensors).toBe(before - 2);
    },
  );

  test('is not what an error of somebody else is told as', async () => {
    const mine = new Error('mine');
    const fail = () => {
      throw mine;
    };
    await expect(train(classifier(), data, { ...still, callbacks: { onBatchEnd: fail } })).rejects.toBe(mine);
    const model = classifier();
    const refusal = new FerError('DATA', 'mine');
    const onBatchEnd = () => {
      model.dispose();
      throw refusal;
    };
    await expect(train(model, data, { ...still, callbacks: { onBatchEnd } })).rejects.toBe(refusal);
  });
});

describe('a training pauses, so that others get their turn', () => {
  /** Steps of a training, of 25 ms each by its clock, and pauses between them. */
  async function steps(pause: (resolve: () => void) => void): Promise<string> {
    let clock = 0;
    let told = '';
    vi.spyOn(performance, 'now').mockImplementation(() => clock);
    vi.stubGlobal('setImmediate', (resolve: () => void) => {
      told += '|';
      pause(resolve);
    });
    await train(classifier(), data, {
      ...{ ...still, batchSize: 1 },
      callbacks: {
        onBatchEnd() {
          clock += 25;
          told += '.';
        },
      },
    });
    return told;
  }

  test('after more than 50 ms, not at every step', async () => {
    expect(await steps((resolve) => resolve())).toBe('...|...|...|.');
  });

  test('in which a signal can stop it, also where there is no setImmediate', async () => {
    vi.stubGlobal('setImmediate', undefined);
    let clock = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => clock);
    const stop = new AbortController();
    let done = 0;
    const stopped = train(classifier(), data, {
      ...{ ...still, signal: stop.signal },
      callbacks: {
        onTrainBegin: () => void setTimeout(() => stop.abort('enough')),
        onBatchEnd() {
          clock += 60;
          done++;
        },
      },
    });
    await expect(stopped).rejects.toMatchObject({ code: 'ABORTED', cause: 'enough' });
    expect(done).toBeLessThan(6);
  });
});

describe('what a training takes, it gives back', () => {
  const store = (told: string[]): CheckpointStore => ({
    save: async () => void told.push('save'),
    load: async () => null,
    async lock() {
      told.push('lock');
      return async () => void told.push('unlock');
    },
  });

  test('a store is locked before and unlocked after, whether it ends well or not', async () => {
    const told: string[] = [];
    await train(classifier(), data, { ...still, checkpoint: store(told) });
    await expect(train(classifier(), [], { ...still, checkpoint: store(told) })).rejects.toMatchObject({
      code: 'DATA',
    });
    expect(told).toEqual(['lock', 'save', 'save', 'unlock', 'lock', 'unlock']);
  });

  test('one that was aborted before it began takes nothing', async () => {
    const told: string[] = [];
    const signal = AbortSignal.abort();
    await expect(train(classifier(), data, { ...still, checkpoint: store(told), signal })).rejects.toMatchObject({
      code: 'ABORTED',
    });
    expect(told).toEqual([]);
  });

  test('a store need not have a lock', async () => {
    const saved: Uint8Array[] = [];
    const checkpoint = { save: async (bytes: Uint8Array) => void saved.push(bytes), load: async () => null };
    await train(classifier(), data, { ...still, checkpoint });
    expect(saved).toHaveLength(2);
  });

  test('one thread needs no memory that threads share', async () => {
    vi.stubGlobal('SharedArrayBuffer', undefined);
    const { stoppedAt } = await train(classifier(), data, still);
    expect(stoppedAt).toBe(2);
  });

  test('more threads than one are started, and what they say as they start is told', async () => {
    const none = new FerError('OPTION', 'there are no threads here');
    const start = vi.spyOn(runtime, 'startGradientWorker').mockImplementation(() => {
      throw none;
    });
    await expect(train(classifier(), data, { ...still, workers: 2 })).rejects.toBe(none);
    expect(start).toHaveBeenCalledOnce();
  });

  test('old figures and checksum no longer belong to the model, its classes are named', async () => {
    const model = classifier();
    setMetadata(model, { metrics: { accuracy: 1 }, sha256: '00', normalization: 'standardize' });
    await train(model, data, still);
    expect(metadataOf(model)).toEqual({ normalization: 'standardize', classes: ['class 0', 'class 1'] });
  });
});
