import * as tf from '@tensorflow/tfjs-core';
import { input, type LayersModel, layers, model, type SymbolicTensor, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, test } from 'vitest';
import { type PixelImage, type Sample, useBackend } from '../../../src/index.js';
import {
  isTensorData,
  type LabelledData,
  type LabelledRows,
  labelledBatches,
  samplesOf,
  tensorRows,
  writeLabel,
} from '../../../src/tfjs/evaluate/labelled-data.js';
import { type ModelSpec, sampleChannels, specOf } from '../../../src/tfjs/model/model-spec.js';

const spec: ModelSpec = { height: 1, width: 2, channels: 1, inputSize: 2, classes: 3 };
const refusal = (code: string, message: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(message) });

beforeAll(() => useBackend('cpu'));

describe('specOf', () => {
  test('reads height, width, channels and classes from a model', () => {
    const net = sequential({
      layers: [layers.flatten({ inputShape: [4, 5, 3] }), layers.dense({ units: 7 })],
    });
    expect(specOf(net)).toEqual({ height: 4, width: 5, channels: 3, inputSize: 60, classes: 7 });
  });

  test('a model of two inputs or two outputs is refused with how many it has', () => {
    const picture = input({ shape: [2, 2, 1] });
    const other = input({ shape: [2, 2, 1] });
    const answer = (of: SymbolicTensor) => layers.dense({ units: 2 }).apply(layers.flatten().apply(of));
    const both = layers.add().apply([picture, other]) as SymbolicTensor;
    const message = (ins: number, outs: number) =>
      refusal('MODEL', `one input and one output, this one has ${ins} and ${outs}`);
    expect(() => specOf(model({ inputs: [picture, other], outputs: answer(both) as never }))).toThrow(message(2, 1));
    expect(() => specOf(model({ inputs: picture, outputs: [answer(picture), answer(picture)] as never }))).toThrow(
      message(1, 2),
    );
  });

  test.each<[string, () => LayersModel, string]>([
    [
      'an input that is a row',
      () => sequential({ layers: [layers.dense({ units: 2, inputShape: [9] })] }),
      '[n,9] to [n,2]',
    ],
    [
      'images of any height',
      () =>
        sequential({
          layers: [layers.globalAveragePooling2d({ inputShape: [null, 8, 1], dataFormat: 'channelsLast' })],
        }),
      '[n,,8,1] to [n,1]',
    ],
    [
      'an output that is a picture',
      () => sequential({ layers: [layers.maxPooling2d({ poolSize: 2, inputShape: [4, 4, 1] })] }),
      '[n,4,4,1] to [n,2,2,1]',
    ],
  ])('%s is refused with the shapes', (_, build, shapes) => {
    expect(() => specOf(build())).toThrow(
      refusal('MODEL', `from [n,height,width,channels] to [n,classes], this one goes from ${shapes}`),
    );
  });
});

describe('writeLabel', () => {
  const written = (label: number | ArrayLike<number>, row = 0) => {
    const labels = new Float32Array(6);
    writeLabel(label, 3, labels, row, 'a.png');
    return Array.from(labels);
  };

  test('writes an index as one-hot and probabilities as they are, into their row', () => {
    expect(written(0)).toEqual([1, 0, 0, 0, 0, 0]);
    expect(written(2, 1)).toEqual([0, 0, 0, 0, 0, 1]);
    expect(written([0.25, 0.5, 0.25], 1)).toEqual([0, 0, 0, 0.25, 0.5, 0.25]);
  });

  test('accepts probabilities whose sum is within a thousandth of 1', () => {
    expect(() => written([0.5, 0.5, 0.0009])).not.toThrow();
    expect(() => written([0.5, 0.4991, 0])).not.toThrow();
    expect(() => written([0.5, 0.5, 0.0011])).toThrow(
      refusal('DATA', "a.png: the label's probabilities sum to 1.0011"),
    );
    expect(() => written([0.5, 0.4989, 0])).toThrow(refusal('DATA', "a.png: the label's probabilities sum to 0.9989"));
  });

  test.each([-1, 3, 0.5, -0.5, Number.NaN, Number.POSITIVE_INFINITY])('%d is not a class index', (label) => {
    expect(() => written(label)).toThrow(
      refusal('CLASSES', `a.png: label ${label} is not a class index of a model with 3 classes`),
    );
  });

  test.each<[unknown, string]>([
    [[0.5, 0.5], 'a label of 2 numbers for a model with 3 classes'],
    [[0.25, 0.25, 0.25, 0.25], 'a label of 4 numbers for a model with 3 classes'],
    ['abc', 'the label must be a class index, or the probabilities of 3 classes, got "abc"'],
    [null, 'the label must be a class index, or the probabilities of 3 classes, got null'],
    [undefined, 'the label must be a class index, or the probabilities of 3 classes, got undefined'],
  ])('%j is not a label of three classes', (label, message) => {
    expect(() => written(label as number)).toThrow(refusal('CLASSES', `a.png: ${message}`));
  });

  test('a value that is not a number, or below 0, is refused with its value', () => {
    expect(() => written([1, Number.NaN, 0])).toThrow(refusal('NOT_FINITE', 'a.png: the label contains NaN'));
    // Its sum is 1.
    expect(() => written([1.5, -0.5, 0])).toThrow(
      refusal('DATA', 'a.png: the label contains a negative probability, -0.5'),
    );
  });
});

describe('tensorRows', () => {
  const ys = (rows: number) => tf.zeros([rows], 'int32');

  test('gives inputs and labels, one row per sample', async () => {
    const xs = tf.tensor4d([1, 2, 3, 4], [2, 1, 2, 1]);
    expect(await tensorRows({ xs, ys: tf.tensor1d([2, 0], 'int32') }, spec)).toEqual({
      inputs: Float32Array.of(1, 2, 3, 4),
      labels: Float32Array.of(0, 0, 1, 1, 0, 0),
      count: 2,
    });
    const soft = tf.tensor2d([0.5, 0.5, 0, 0, 0.25, 0.75], [2, 3]);
    expect((await tensorRows({ xs, ys: soft }, spec)).labels).toEqual(Float32Array.of(0.5, 0.5, 0, 0, 0.25, 0.75));
  });

  test('inputs of another shape are refused with both shapes', async () => {
    for (const shape of [
      [2, 1, 2],
      [2, 1, 2, 1, 1],
      [2, 2, 1, 1],
      [2, 1, 2, 3],
    ]) {
      await expect(tensorRows({ xs: tf.zeros(shape), ys: ys(2) }, spec)).rejects.toEqual(
        refusal('SHAPE', `xs has shape [${shape}], the model expects [n,1,2,1]`),
      );
    }
  });

  test('labels that do not fit are refused with their shape', async () => {
    const xs = tf.zeros([2, 1, 2, 1]);
    await expect(tensorRows({ xs, ys: ys(3) }, spec)).rejects.toEqual(refusal('SHAPE', 'xs has 2 rows, ys has 3'));
    for (const shape of [
      [2, 2],
      [2, 3, 1],
    ]) {
      await expect(tensorRows({ xs, ys: tf.zeros(shape) }, spec)).rejects.toEqual(
        refusal('CLASSES', `ys has shape [${shape}], the model has 3 classes: expected [n] or [n,3]`),
      );
    }
    await expect(tensorRows({ xs, ys: tf.tensor1d([0, 3], 'int32') }, spec)).rejects.toEqual(
      refusal('CLASSES', 'row 1: label 3 is not a class index'),
    );
  });

  test('empty data is refused, and NaN is refused with its row', async () => {
    await expect(tensorRows({ xs: tf.zeros([0, 1, 2, 1]), ys: ys(0) }, spec)).rejects.toEqual(
      refusal('DATA', 'the data has no samples'),
    );
    const xs = tf.tensor4d([0, 0, 0, Number.NaN, 0, 0], [3, 1, 2, 1]);
    await expect(tensorRows({ xs, ys: ys(3) }, spec)).rejects.toEqual(
      refusal('NOT_FINITE', 'xs contains NaN in row 1'),
    );
  });
});

describe('labelledBatches', () => {
  const sample = (level: number, label: Sample['label'], file?: string): Sample => ({
    image: { data: Uint8Array.of(level, level), width: 2, height: 1, channels: 1 } as PixelImage,
    label,
    ...(file === undefined ? {} : { file }),
  });
  const batchesOf = async (data: LabelledData, size: number, of = spec) => {
    const batches: LabelledRows[] = [];
    for await (const batch of labelledBatches(data, of, 'unit', size)) batches.push(batch);
    return batches;
  };

  test('cuts samples and tensors into batches; the last batch has the rest', async () => {
    const samples = [0, 51, 102, 153, 204].map((level, i) => sample(level, i % 3));
    const xs = tf.tensor4d([0, 0, 0.2, 0.2, 0.4, 0.4, 0.6, 0.6, 0.8, 0.8], [5, 1, 2, 1]);
    const tensors = { xs, ys: tf.tensor1d([0, 1, 2, 0, 1], 'int32') };
    for (const [size, counts] of [
      [2, [2, 2, 1]],
      [5, [5]],
      [1, [1, 1, 1, 1, 1]],
      [9, [5]],
    ] as const) {
      for (const data of [samples, tensors]) {
        const batches = await batchesOf(data, size);
        expect(batches.map(({ count }) => count)).toEqual(counts);
        const inputs = batches.flatMap((batch) => Array.from(batch.inputs));
        expect(inputs).toHaveLength(10);
        for (const [i, value] of inputs.entries()) expect(value).toBeCloseTo(0.2 * Math.floor(i / 2), 6);
        expect(batches.flatMap(({ labels }) => Array.from(labels))).toEqual([
          1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 1, 0,
        ]);
      }
    }
  });

  test('a wrong label is reported with its file, or the index of its sample', async () => {
    await expect(batchesOf([sample(1, 0), sample(1, 1), sample(1, 7)], 2)).rejects.toEqual(
      refusal('CLASSES', 'sample 2: label 7'),
    );
    await expect(batchesOf([sample(1, 7, 'sad/7.png')], 2)).rejects.toEqual(refusal('CLASSES', 'sad/7.png: label 7'));
  });

  test('images have 1 or 3 channels: a model of others is given tensors', async () => {
    expect(sampleChannels({ ...spec, channels: 1 })).toBe(1);
    expect(sampleChannels({ ...spec, channels: 3 })).toBe(3);
    await expect(batchesOf([sample(1, 0)], 2, { ...spec, channels: 4, inputSize: 8 })).rejects.toEqual(
      refusal('CHANNELS', 'images have 1 or 3 channels, the model expects 4: pass tensors'),
    );
  });
});

describe('samplesOf', () => {
  const all = async (data: unknown) => {
    const samples: unknown[] = [];
    for await (const sample of samplesOf(data as Sample[])) samples.push(sample);
    return samples;
  };

  test('accepts sync and async iterables', async () => {
    const given = [{ image: 'a.png', label: 0 }];
    expect(await all(given)).toEqual(given);
    expect(await all(new Set(given))).toEqual(given);
    expect(
      await all(
        (async function* () {
          yield* given;
        })(),
      ),
    ).toEqual(given);
  });

  test.each([null, undefined, 7, 'a.png', {}, { xs: 1 }])('%j is not data', async (data) => {
    await expect(all(data)).rejects.toEqual(
      refusal('DATA', 'data must be { xs, ys } tensors or an iterable of samples { image, label }'),
    );
  });

  test.each([null, undefined, 7, 'a.png', {}, { image: 'a.png' }, { label: 0 }])(
    '%j is not a sample',
    async (sample) => {
      await expect(all([sample])).rejects.toEqual(refusal('DATA', 'a sample must be { image, label }'));
    },
  );

  test('distinguishes tensors from samples', () => {
    expect(isTensorData({ xs: 1, ys: 2 } as never)).toBe(true);
    for (const data of [null, 7, [], { xs: 1 }, { ys: 1 }]) expect(isTensorData(data as never)).toBe(false);
  });
});
