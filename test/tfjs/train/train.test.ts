import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { initializers, type LayersModel, layers, type Sequential, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  buildModel,
  cosineSchedule,
  evaluate,
  type PixelImage,
  type Sample,
  type TrainOptions,
  train,
  useBackend,
} from '../../../src/index.js';
import { metadataOf } from '../../../src/tfjs/model/metadata.js';
import { randomStream } from '../../../src/tfjs/train/random.js';
import { nightTest } from '../../night.js';

/** A small network with all that the large one has, and batch normalisation. */
function smallModel(classes = 3, size = 8): Sequential {
  const seeded = (seed: number) => ({ kernelInitializer: initializers.glorotUniform({ seed } as { seed: number }) });
  return sequential({
    layers: [
      layers.conv2d({
        inputShape: [size, size, 1],
        filters: 4,
        kernelSize: 3,
        padding: 'same',
        activation: 'relu',
        ...seeded(1),
      }),
      layers.batchNormalization(),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.dropout({ rate: 0.25 }),
      layers.flatten(),
      layers.dense({ units: classes, activation: 'softmax', ...seeded(2) }),
    ],
  });
}

/** Faces of a kind: class c has its bright stripe at row 2c + 1, on noise. */
function stripes(count: number, seed: number, classes = 3, size = 8): Sample[] {
  const random = randomStream(seed);
  return Array.from({ length: count }, (_, i) => {
    const label = i % classes;
    const data = new Uint8Array(size * size);
    for (let k = 0; k < data.length; k++) {
      data[k] = 60 * random() + (Math.floor(k / size) === 2 * label + 1 ? 180 : 0);
    }
    return { image: { data, width: size, height: size, channels: 1 } as PixelImage, label };
  });
}

const base: TrainOptions = { epochs: 3, batchSize: 8, learningRate: 0.01, seed: 5 };

describe.each(['cpu', 'wasm'])('train on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  // By day, on one backend: the steps are the same code on both.
  const onWasm = backend === 'wasm' ? test : nightTest;

  test('learns, and keeps the figures of every epoch', async () => {
    const model = smallModel();
    const validationData = stripes(30, 2);
    const seen: string[] = [];
    // Fewer on cpu, which is slow.
    const [count, steps] = backend === 'cpu' ? [37, 5] : [61, 8];
    const { history, best, stoppedAt } = await train(model, stripes(count, 1), {
      ...base,
      epochs: 8,
      validationData,
      callbacks: {
        onTrainBegin: ({ samples, stepsPerEpoch }) => void seen.push(`${samples} ${stepsPerEpoch}`),
        onEpochEnd: (epoch, figures) => void seen.push(`${epoch} ${figures.valAccuracy}`),
      },
    });
    expect(history.loss).toHaveLength(8);
    expect(history.loss[7]).toBeLessThan(history.loss[0] / 2);
    expect(history.valAccuracy[7]).toBeGreaterThan(0.9);
    expect(stoppedAt).toBe(8);
    expect(seen).toEqual([`${count} ${steps}`, ...history.valAccuracy.map((value, i) => `${i + 1} ${value}`)]);
    expect(best.valLoss).toBe(Math.min(...history.valLoss));
    const report = await evaluate(model, validationData);
    expect(report.loss).toBeCloseTo(best.valLoss!, 5);
    expect(report.accuracy).toBe(best.valAccuracy);
  });

  onWasm('gives the same history and weights, bit for bit, for the same seed', async () => {
    const run = async (seed: number) => {
      const model = smallModel();
      const { history } = await train(model, stripes(30, 1), {
        ...base,
        seed,
        ema: 0.9,
        weightDecay: 0.01,
        sampling: 'balanced',
        schedule: cosineSchedule({ warmup: 0.2 }),
        augment: {
          rotation: 10,
          shift: 0.1,
          zoom: 0.1,
          scale: 0.1,
          shear: 0.1,
          contrast: 0.2,
          brightness: 0.1,
          erasing: 0.5,
        },
        validationData: stripes(12, 2),
      });
      return { history, weights: weightsOf(model) };
    };
    const first = await run(5);
    expect(await run(5)).toEqual(first);
    expect((await run(6)).history.loss).not.toEqual(first.history.loss);
  });

  onWasm('a training stopped after an epoch and resumed ends as the one that was not stopped', async () => {
    const options: TrainOptions = {
      ...base,
      epochs: 5,
      ema: 0.9,
      validationData: stripes(12, 2),
      augment: { shift: 0.1 },
    };
    const whole = smallModel();
    const expected = await train(whole, stripes(30, 1), options);

    const checkpoint = mkdtempSync(join(tmpdir(), 'fer-checkpoint-'));
    const stop = new AbortController();
    const stopped = train(smallModel(), stripes(30, 1), {
      ...options,
      checkpoint,
      signal: stop.signal,
      callbacks: { onBatchEnd: ({ epoch, step }) => (epoch === 3 && step === 2 ? stop.abort('enough') : undefined) },
    });
    await expect(stopped).rejects.toMatchObject({ name: 'FerError', code: 'ABORTED', cause: 'enough' });
    expect(readdirSync(checkpoint)).toEqual(['checkpoint.bin']);

    const resumed = smallModel();
    const epochs: number[] = [];
    const result = await train(resumed, stripes(30, 1), {
      ...options,
      checkpoint,
      resume: true,
      callbacks: { onEpochEnd: (epoch) => void epochs.push(epoch) },
    });
    expect(epochs).toEqual([3, 4, 5]);
    expect(result).toEqual(expected);
    expect(weightsOf(resumed)).toEqual(weightsOf(whole));
  });

  test('leaves no tensor behind, whether it succeeds or fails', async () => {
    const model = smallModel();
    const data = stripes(16, 1);
    await train(model, data, { ...base, epochs: 1 });
    const before = tf.memory().numTensors;
    await train(model, data, { ...base, ema: 0.9, classWeights: 'balanced', validationData: data });
    expect(tf.memory().numTensors).toBe(before);
    const signal = AbortSignal.abort();
    await expect(train(model, data, { ...base, signal })).rejects.toMatchObject({ code: 'ABORTED' });
    const bad = [{ ...data[0], label: 9 }];
    await expect(train(model, bad, base)).rejects.toMatchObject({ code: 'CLASSES' });
    await expect(train(model, data, { ...base, learningRate: 1e38 })).rejects.toMatchObject({ code: 'NOT_FINITE' });
    expect(tf.memory().numTensors).toBe(before);
  });

  onWasm('gives the same history for tensors as for samples', async () => {
    const samples = stripes(24, 1);
    const levels = samples.flatMap(({ image }) => Array.from((image as PixelImage).data, (level) => level / 255));
    const xs = tf.tensor4d(levels, [24, 8, 8, 1]);
    const indices = tf.tensor1d(
      samples.map(({ label }) => label as number),
      'int32',
    );
    const [a, b, c] = [smallModel(), smallModel(), smallModel()];
    const fromSamples = await train(a, samples, base);
    const fromIndices = await train(b, { xs, ys: indices }, base);
    const fromOneHot = await train(c, { xs, ys: tf.oneHot(indices, 3) }, base);
    expect(fromIndices.history).toEqual(fromSamples.history);
    expect(fromOneHot.history).toEqual(fromSamples.history);
  });
});

describe('train', () => {
  beforeAll(() => useBackend('wasm'));

  test('stops early after the patience, and restores the best weights', async () => {
    const model = smallModel();
    // Labels that mean nothing: validation soon gets worse.
    const noise = stripes(30, 1).map((sample, i) => ({ ...sample, label: Math.floor(i / 3) % 3 }));
    const validationData = stripes(30, 9);
    const { history, best, stoppedAt } = await train(model, noise, {
      ...base,
      epochs: 60,
      learningRate: 0.05,
      validationData,
      earlyStopping: { patience: 3 },
    });
    expect(stoppedAt).toBeLessThan(60);
    expect(stoppedAt - best.epoch).toBe(3);
    expect(history.loss).toHaveLength(stoppedAt);
    expect((await evaluate(model, validationData)).loss).toBeCloseTo(best.valLoss!, 5);
  });

  test('learns from soft labels: the outputs tend to them', async () => {
    const model = smallModel(2);
    const soft = stripes(40, 1, 2).map(({ image, label }) => ({ image, label: label === 0 ? [0.7, 0.3] : [0.2, 0.8] }));
    await train(model, soft, { ...base, epochs: 40, learningRate: 0.02, schedule: cosineSchedule() });
    const { loss } = await evaluate(model, soft);
    const entropy = (p: number) => -p * Math.log(p) - (1 - p) * Math.log(1 - p);
    expect(loss - (entropy(0.7) + entropy(0.8)) / 2).toBeLessThan(0.05);
  });

  test('class weights and balanced sampling lift the recall of a rare class', async () => {
    const blurred = (count: number, seed: number) =>
      stripes(count, seed, 2).map(({ image, label }) => {
        const { data, ...rest } = image as PixelImage;
        const random = randomStream(seed, label as number);
        return { image: { ...rest, data: data.map((level) => level * 0.3 + 150 * random()) } as PixelImage, label };
      });
    const rare = blurred(240, 1).filter(({ label }, i) => label === 0 || i % 12 === 1);
    const recall = async (options: TrainOptions) => {
      const model = smallModel(2);
      await train(model, rare, { ...base, epochs: 2, learningRate: 0.003, ...options });
      return (await evaluate(model, blurred(100, 7))).classes[1].recall;
    };
    const plain = await recall({});
    expect(await recall({ classWeights: 'balanced' })).toBeGreaterThan(plain);
    expect(await recall({ classWeights: [0.1, 5] })).toBeGreaterThan(plain);
    expect(await recall({ sampling: 'balanced' })).toBeGreaterThan(plain);
  });

  test('follows the schedule, step by step', async () => {
    const { history } = await train(smallModel(), stripes(16, 1), {
      ...base,
      epochs: 4,
      learningRate: 0.01,
      schedule: (progress) => 1 - progress,
    });
    // Two steps an epoch: the last of epoch e is at (e - 1) / 4 + 1 / 8.
    for (const [i, rate] of history.learningRate.entries()) expect(rate).toBeCloseTo(0.01 * (1 - i / 4 - 1 / 8), 9);
  });

  test('records the normalisation of the training, and evaluate uses it', async () => {
    const model = smallModel();
    await train(model, stripes(12, 1), { ...base, normalization: 'standardize' });
    expect(metadataOf(model).normalization).toBe('standardize');
    const data = stripes(30, 2);
    const explicit = await evaluate(model, data, { normalization: 'standardize' });
    expect(await evaluate(model, data)).toEqual(explicit);
    expect((await evaluate(model, data, { normalization: 'unit' })).loss).not.toBe(explicit.loss);
  });

  test('streams samples of any iterable, and pictures of another size', async () => {
    async function* generator() {
      yield* stripes(12, 1, 3, 20);
    }
    const { history } = await train(smallModel(), generator(), { ...base, augment: { flip: true } });
    expect(history.loss).toHaveLength(3);
  });

  test('trains the network of the report, augmented as the report did', async () => {
    const model = buildModel({ seed: 1 });
    const faces = stripes(20, 1, 5, 48);
    const { history } = await train(model, faces, {
      epochs: 4,
      batchSize: 8,
      seed: 1,
      augment: { shear: 0.2, zoom: 0.2, flip: true },
    });
    expect(history.loss[3]).toBeLessThan(history.loss[0]);
  });

  test.each<[string, TrainOptions, string]>([
    ['epochs', { epochs: 0 }, 'OPTION'],
    ['batchSize', { batchSize: 1.5 }, 'OPTION'],
    ['learningRate', { learningRate: 0 }, 'OPTION'],
    ['weightDecay', { weightDecay: -1 }, 'OPTION'],
    ['seed', { seed: -1 }, 'OPTION'],
    ['workers', { workers: 129 }, 'OPTION'],
    ['ema', { ema: 1 }, 'OPTION'],
    ['sampling', { sampling: 'all' as 'balanced' }, 'OPTION'],
    ['augment.shift', { augment: { shift: 2 } }, 'OPTION'],
    ['classWeights', { classWeights: [1] }, 'CLASSES'],
    ['monitor', { monitor: 'valAccuracy' }, 'OPTION'],
    ['checkpoint', { resume: true }, 'OPTION'],
  ])('refuses a wrong %s', async (named, options, code) => {
    await expect(train(smallModel(), stripes(6, 1), options)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(named),
    });
  });

  test.each<[string, unknown, string]>([
    ['no data', [], 'DATA'],
    ['what cannot be iterated', 7, 'DATA'],
    ['samples without a label', [{ image: stripes(1, 1)[0].image }], 'DATA'],
    ['a label out of range', [{ ...stripes(1, 1)[0], label: 3 }], 'CLASSES'],
    ['too few probabilities', [{ ...stripes(1, 1)[0], label: [0.5, 0.5] }], 'CLASSES'],
    ['probabilities that do not sum to 1', [{ ...stripes(1, 1)[0], label: [0.5, 0.5, 0.5] }], 'DATA'],
    ['a label that is NaN', [{ ...stripes(1, 1)[0], label: [Number.NaN, 0, 1] }], 'NOT_FINITE'],
  ])('refuses %s', async (_, data, code) => {
    await expect(train(smallModel(), data as Sample[], base)).rejects.toMatchObject({ name: 'FerError', code });
  });

  test('refuses tensors of a wrong shape, class count, or with NaN', async () => {
    const xs = tf.zeros([4, 8, 8, 1]);
    const ys = tf.tensor1d([0, 1, 2, 0], 'int32');
    const code = (data: { xs: tf.Tensor; ys: tf.Tensor }) =>
      train(smallModel(), data, base).then(
        () => 'none',
        (error) => error.code,
      );
    expect(await code({ xs: tf.zeros([4, 8, 7, 1]), ys })).toBe('SHAPE');
    expect(await code({ xs: tf.zeros([3, 8, 8, 1]), ys })).toBe('SHAPE');
    expect(await code({ xs, ys: tf.oneHot(ys, 5) })).toBe('CLASSES');
    expect(await code({ xs: tf.fill([4, 8, 8, 1], Number.NaN), ys })).toBe('NOT_FINITE');
  });

  test('refuses a model that is not an image classifier', async () => {
    const dense = sequential({ layers: [layers.dense({ units: 3, inputShape: [4] })] });
    await expect(train(dense, stripes(3, 1), base)).rejects.toMatchObject({ code: 'MODEL' });
  });

  test('refuses a checkpoint that is damaged, or of another training', async () => {
    const checkpoint = mkdtempSync(join(tmpdir(), 'fer-checkpoint-'));
    const options = { ...base, checkpoint, resume: true };
    await train(smallModel(), stripes(12, 1), options);
    await expect(train(smallModel(), stripes(12, 1), { ...options, epochs: 4, batchSize: 4 })).rejects.toMatchObject({
      code: 'CHECKPOINT',
      message: expect.stringContaining('"batchSize":8'),
    });
    await expect(train(smallModel(3, 10), stripes(12, 1), { ...options, epochs: 4 })).rejects.toMatchObject({
      code: 'CHECKPOINT',
    });
    const file = join(checkpoint, 'checkpoint.bin');
    const bytes = readFileSync(file);
    bytes[bytes.length - 5] ^= 1;
    writeFileSync(file, bytes);
    await expect(train(smallModel(), stripes(12, 1), { ...options, epochs: 4 })).rejects.toMatchObject({
      code: 'CHECKPOINT',
      message: expect.stringContaining('sha256'),
    });
  });
});

function weightsOf(model: LayersModel): number[][] {
  return model.getWeights().map((weight) => Array.from(weight.dataSync()));
}
