import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { throwIfAborted } from '../../../src/abort.js';
import { useBackend } from '../../../src/classify/use-backend.js';
import { normalize } from '../../../src/image/normalize.js';
import { resample } from '../../../src/image/resample.js';
import type { Sample } from '../../../src/image/sample.js';
import type { PixelImage } from '../../../src/runtime.js';
import type { ModelSpec } from '../../../src/tfjs/model/model-spec.js';
import { augment } from '../../../src/tfjs/train/augment.js';
import { randomStream } from '../../../src/tfjs/train/random.js';
import { allRows, readTrainingData, TrainingData } from '../../../src/tfjs/train/training-data.js';

beforeAll(() => useBackend('cpu'));

const spec: ModelSpec = { height: 4, width: 6, channels: 1, inputSize: 24, classes: 3 };
const plain = { spec, normalization: 'unit', augmentation: null } as const;
const augmentation = { flip: true, shift: 0.3, brightness: 0.4 };
const augmented = { spec, normalization: 'unit', augmentation } as const;

describe('samples that are taken as they are', () => {
  test('are kept as inputs, one behind the other, more than a batch of them', async () => {
    const samples = Array.from({ length: 300 }, (_, i) => sample(8, 5, 1, i, i % 3));
    const data = await readTrainingData(samples, plain);
    const inputs = samples.map(({ image }) => inputOf(image as PixelImage));
    expect(data.count).toBe(300);
    expect(data.stored.data).toEqual(Float32Array.from(inputs.flatMap((input) => [...input])));
    expect([...data.stored.starts]).toEqual(Array.from({ length: 301 }, (_, i) => 24 * i));
    expect([...data.stored.sizes]).toEqual(Array.from({ length: 300 }, () => [6, 4]).flat());
    expect([...data.truth]).toEqual(samples.map(({ label }) => label));
    for (const index of [0, 255, 256, 299]) expect(taken(data, index)).toEqual(inputs[index]);
  });

  test('are tensors too, whose labels may be soft', async () => {
    const xs = noise(48);
    const labels = [0.2, 0.3, 0.5, 0.1, 0.7, 0.2];
    const data = await readTrainingData(tensors(xs, labels), plain);
    expect(data.stored).toEqual({
      data: xs,
      starts: Float64Array.of(0, 24, 48),
      sizes: Uint16Array.of(6, 4, 6, 4),
      labels: Float32Array.from(labels),
    });
    expect(data.labels).toBe(data.stored.labels);
    expect([...data.truth]).toEqual([2, 1]);
    expect(taken(data, 1)).toEqual(xs.slice(24));
  });

  test('and normalised as it is asked', async () => {
    const one = sample(6, 4, 1, 5, 0);
    const rows = await allRows([one], spec, 'standardize');
    expect(rows).toEqual({
      inputs: inputOf(one.image as PixelImage, 'standardize'),
      labels: Float32Array.of(1, 0, 0),
      count: 1,
    });
  });
});

describe('samples that are augmented', () => {
  test('are kept as levels, one and a half times as large as the input, or as they are where they are smaller', async () => {
    // The input is 6 wide and 4 high: 9 and 6 are the most.
    const samples = [sample(20, 30, 3, 1, 0), sample(9, 6, 1, 2, 2), sample(7, 40, 4, 3, 1), sample(5, 3, 1, 4, 1)];
    const data = await readTrainingData(samples, augmented);
    const sizes = [
      [9, 6],
      [9, 6],
      [7, 6],
      [5, 3],
    ];
    expect(data.stored.sizes).toEqual(Uint16Array.from(sizes.flat()));
    expect(data.stored.starts).toEqual(Float64Array.of(0, 54, 108, 150, 165));
    const levels = samples.flatMap(({ image }, i) => {
      const [width, height] = sizes[i];
      return Array.from(resample(image as PixelImage, { width, height }), Math.round);
    });
    expect(data.stored.data).toEqual(Uint8Array.from(levels));
    expect(data.labels).toEqual(Float32Array.of(1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 1, 0));
  });

  test('odd inputs are kept at the next whole number', async () => {
    const odd = { height: 3, width: 5, channels: 1, inputSize: 15, classes: 3 };
    const data = await readTrainingData([sample(50, 50, 1, 1, 0)], { ...augmented, spec: odd });
    // 7.5 and 4.5
    expect([...data.stored.sizes]).toEqual([8, 5]);
  });

  test.each([1, 3] as const)(
    'are changed at random, then resized and normalised, with %d channels',
    async (channels) => {
      const wanted = { ...spec, channels, inputSize: 24 * channels };
      const options = { spec: wanted, normalization: 'standardize', augmentation } as const;
      const samples = [sample(9, 6, channels, 1, 0), sample(5, 3, channels, 2, 1), sample(9, 6, channels, 3, 1)];
      const data = await readTrainingData(samples, options);
      // Of several sizes, there and back again: nothing of one is left in the other.
      for (const index of [0, 2, 1, 0, 1]) {
        const { data: bytes, width, height } = samples[index].image as PixelImage;
        const changed = new Float32Array(bytes.length);
        const levels = { data: Float32Array.from(bytes), width, height, channels };
        augment(levels, 255, augmentation, randomStream(index), changed);
        const face = resample({ data: changed, width, height, channels }, { width: 6, height: 4, channels });
        normalize(face, { normalization: 'standardize', width: 6, channels });
        expect(taken(data, index, randomStream(index))).toEqual(face);
      }
    },
  );

  test('as tensors are changed on the scale of 0..1', async () => {
    const xs = noise(48);
    const data = await readTrainingData(tensors(xs, [1, 0, 0, 0, 1, 0]), augmented);
    const changed = new Float32Array(24);
    augment({ data: xs.slice(24), width: 6, height: 4, channels: 1 }, 1, augmentation, randomStream(3), changed);
    expect(taken(data, 1, randomStream(3))).toEqual(changed);
  });

  test('stored levels without augmentation are only resized and normalised', () => {
    const image = sample(8, 8, 1, 1, 0).image as PixelImage;
    const stored = {
      data: Uint8Array.from(image.data),
      starts: Float64Array.of(0, 64),
      sizes: Uint16Array.of(8, 8),
      labels: Float32Array.of(0, 1, 0),
    };
    expect(taken(new TrainingData(stored, plain), 0)).toEqual(inputOf(image));
  });
});

describe('fixed views', () => {
  const viewLabels = [
    [0.5, 0.25, 0.25],
    [0, 1, 0],
  ];

  test('come in turn from epoch to epoch, with their labels, and the class is that of the sample', async () => {
    const samples = [
      { ...sample(8, 8, 1, 1, 0), viewLabels },
      { ...sample(8, 8, 1, 2, 2), viewLabels: viewLabels.toReversed() },
    ];
    const data = await readTrainingData(samples, augmented);
    expect(data.views).toBe(2);
    expect([...data.truth]).toEqual([0, 2]);
    expect([1, 2, 3].map((epoch) => [...data.labelOf(0, epoch)])).toEqual([...viewLabels, viewLabels[0]]);
    expect([1, 2, 3].map((epoch) => [...data.labelOf(1, epoch)])).toEqual(
      [...viewLabels, viewLabels[0]].map((_, i) => viewLabels[(i + 1) % 2]),
    );
  });

  test('are none where samples have none: the label is the same in every epoch', async () => {
    const data = await readTrainingData([sample(8, 8, 1, 1, 1)], augmented);
    expect(data.views).toBe(0);
    expect([...data.labelOf(0, 7)]).toEqual([0, 1, 0]);
  });

  test('must be as many for every sample', async () => {
    const samples = [
      { ...sample(8, 8, 1, 1, 0), viewLabels },
      { ...sample(8, 8, 1, 2, 2), viewLabels: viewLabels.slice(1), file: 'b.png' },
    ];
    await expect(readTrainingData(samples, augmented)).rejects.toMatchObject({
      code: 'DATA',
      message: 'b.png: 1 viewLabels, the first sample has 2',
    });
  });

  test('must be probabilities', async () => {
    const wrong = { ...sample(8, 8, 1, 1, 0), viewLabels: [[1, 0]] };
    await expect(readTrainingData([wrong], augmented)).rejects.toMatchObject({
      code: 'CLASSES',
      message: 'view 0 of sample 0: a label of 2 numbers for a model with 3 classes',
    });
  });
});

describe.each([
  ['as they are', plain],
  ['augmented', augmented],
])('samples %s', (_, options) => {
  test('that are none are refused', async () => {
    await expect(readTrainingData([], options)).rejects.toMatchObject({
      name: 'FerError',
      code: 'DATA',
      message: 'the data has no samples',
    });
  });

  test('with a wrong label are named: by their file, else by their number', async () => {
    const good = sample(6, 4, 1, 1, 0);
    await expect(readTrainingData([good, { ...good, label: 3 }], options)).rejects.toMatchObject({
      code: 'CLASSES',
      message: expect.stringMatching(/^sample 1: label 3 /),
    });
    await expect(readTrainingData([{ ...good, label: 3, file: 'a.png' }], options)).rejects.toMatchObject({
      code: 'CLASSES',
      message: expect.stringMatching(/^a\.png: label 3 /),
    });
  });

  test('are read no further once the signal says so', async () => {
    const stop = new AbortController();
    let read = 0;
    const endless = (function* () {
      for (;;) {
        if (++read === 300) stop.abort('enough');
        yield sample(6, 4, 1, 1, 0);
      }
    })();
    await expect(readTrainingData(endless, options, stop.signal)).rejects.toMatchObject({
      name: 'FerError',
      code: 'ABORTED',
      message: 'training was aborted',
      cause: 'enough',
    });
    expect(read).toBeLessThan(600);
  });
});

test('images of a model of two channels are refused: it takes tensors', async () => {
  const two = { ...spec, channels: 2, inputSize: 48 };
  await expect(readTrainingData([sample(6, 4, 1, 1, 0)], { ...augmented, spec: two })).rejects.toMatchObject({
    code: 'CHANNELS',
  });
});

test('throwIfAborted lets a signal pass that says nothing, and none', () => {
  expect(throwIfAborted(undefined, 'training')).toBeUndefined();
  expect(throwIfAborted(new AbortController().signal, 'training')).toBeUndefined();
});

function sample(width: number, height: number, channels: 1 | 3 | 4, seed: number, label: number): Sample {
  const random = randomStream(seed);
  const data = Uint8Array.from({ length: width * height * channels }, () => 256 * random());
  return { image: { data, width, height, channels }, label };
}

function noise(count: number): Float32Array {
  const random = randomStream(count);
  return Float32Array.from({ length: count }, random);
}

function tensors(xs: Float32Array, labels: number[]) {
  return { xs: tf.tensor4d(xs, [2, 4, 6, 1]), ys: tf.tensor2d(labels, [2, 3]) };
}

function inputOf(image: PixelImage, normalization: 'unit' | 'standardize' = 'unit'): Float32Array {
  return normalize(resample(image, { width: 6, height: 4 }), { normalization, width: 6 });
}

/** What `take` writes, which must be nothing beside the place it is given. */
function taken(data: TrainingData, index: number, random = randomStream(1)): Float32Array {
  const { inputSize } = data.options.spec;
  const out = new Float32Array(inputSize + 7).fill(-9);
  data.take(index, out, 3, random);
  expect([...out.subarray(0, 3), ...out.subarray(3 + inputSize)]).toEqual(Array(7).fill(-9));
  return out.slice(3, 3 + inputSize);
}
