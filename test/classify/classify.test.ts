import * as tf from '@tensorflow/tfjs-core';
import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  buildModel,
  classify,
  createClassifier,
  EMOTIONS,
  type ImageInput,
  type PixelImage,
  type Prediction,
  useBackend,
} from '../../src/index.js';
import { metadataOf, setMetadata } from '../../src/tfjs/model/metadata.js';
import { loadPretrained, pretrained } from '../../src/weights.js';

/** A face-sized picture of soft blobs: no face, but with structure at every scale. */
function picture(width = 60, height = 72, channels: 1 | 3 = 3): PixelImage {
  const data = new Uint8Array(width * height * channels);
  for (let k = 0; k < data.length; k++) {
    const x = Math.floor(k / channels) % width;
    const y = Math.floor(k / channels / width);
    data[k] = 128 + 60 * Math.sin(x / 7 + (k % channels)) + 60 * Math.cos((y * x) / 300);
  }
  return { data, width, height, channels };
}

const raw = ({ data, ...raw }: PixelImage) => sharp(data, { raw });

function expectClose(a: Prediction[], b: Prediction[], tolerance: number) {
  const at = (list: Prediction[], name: string) => list.find(({ className }) => className === name)!.probability;
  for (const name of EMOTIONS) expect(Math.abs(at(a, name) - at(b, name))).toBeLessThan(tolerance);
}

describe('classify', () => {
  beforeAll(() => useBackend('wasm'));

  test('gives the five emotions, best first, their probabilities summing to 1', async () => {
    const predictions = await classify(picture());
    expect(predictions.map(({ className }) => className).toSorted()).toEqual([...EMOTIONS].toSorted());
    const probabilities = predictions.map(({ probability }) => probability);
    expect(probabilities).toEqual(probabilities.toSorted((a, b) => b - a));
    expect(probabilities.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
  });

  test('gives a list of images one answer each, equal to the answer for each alone', async () => {
    const faces = [picture(60, 72), picture(48, 48, 1), picture(33, 90)];
    const lists = await classify(faces);
    expect(lists).toHaveLength(3);
    for (const [i, face] of faces.entries()) expectClose(lists[i], await classify(face), 1e-5);
    expect(await classify([])).toEqual([]);
  });

  test('gives the same answer for every kind of input', async () => {
    const image = picture();
    const png = await raw(image).png().toBuffer();
    const tensor = tf.tensor3d(Array.from(image.data), [image.height, image.width, 3], 'int32');
    const inputs: ImageInput[] = [
      png,
      new Uint8Array(png),
      new Blob([new Uint8Array(png)]),
      tensor,
      tf.cast(tensor, 'float32'),
    ];
    const expected = await classify(image);
    for (const input of inputs) expectClose(await classify(input), expected, 1e-5);
    const jpeg = await raw(image).jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toBuffer();
    expectClose(await classify(jpeg), expected, 0.05);
  });

  test('classifies only the part of the picture inside the box', async () => {
    const image = picture(100, 100);
    const box = { x: 20, y: 10, width: 60, height: 70 };
    const part = await raw(image).extract({ left: 20, top: 10, width: 60, height: 70 }).png().toBuffer();
    expectClose(await classify(image, { box }), await classify(part), 1e-5);
  });

  test('gives only the best classes when topk is set', async () => {
    const [best] = await classify(picture());
    expect(await classify(picture(), { topk: 1 })).toEqual([best]);
    await expect(classify(picture(), { topk: 0 })).rejects.toMatchObject({ code: 'OPTION' });
  });

  test('leaves no tensor behind, nor on errors', async () => {
    await classify(picture());
    const before = tf.memory().numTensors;
    await classify([picture(), picture()]);
    await expect(classify(['./nowhere.png', picture()])).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(classify(picture(0))).rejects.toMatchObject({ name: 'FerError' });
    expect(tf.memory().numTensors).toBe(before);
  });

  test('200 calls at once give the same answers as single calls', async () => {
    const faces = Array.from({ length: 200 }, (_, i) => picture(40 + (i % 7), 50));
    const together = await Promise.all(faces.map((face) => classify(face)));
    for (const i of [0, 1, 2, 3, 4, 5, 6, 199]) expect(together[i]).toEqual(await classify(faces[i]));
  });
});

describe('createClassifier', () => {
  test.each(['cpu', 'wasm'])('runs on %s, independently of TF.js’s backend', async (backend) => {
    const other = backend === 'cpu' ? 'wasm' : 'cpu';
    await useBackend(other);
    const classifier = createClassifier({ backend });
    const predictions = await classifier.classify(picture());
    expect(tf.getBackend()).toBe(other);
    expectClose(predictions, await classify(picture()), 1e-5);
    classifier.dispose();
  });

  test('normalizes by the model’s metadata, unless an option says otherwise', async () => {
    const model = buildModel({ seed: 2 });
    setMetadata(model, { normalization: 'standardize' });
    const by = (normalization?: 'unit' | 'standardize') =>
      createClassifier({ model, normalization }).classify(picture());
    expect(await by()).toEqual(await by('standardize'));
    expect(await by()).not.toEqual(await by('unit'));
  });

  test('accepts colour models', async () => {
    const model = buildModel({ seed: 2, channels: 3 });
    const classifier = createClassifier({ model });
    const swapped = picture();
    for (let k = 0; k < swapped.data.length; k += 3) swapped.data.copyWithin(k, k + 1, k + 2);
    expect(await classifier.classify(picture())).toHaveLength(5);
    expect(await classifier.classify(swapped)).not.toEqual(await classifier.classify(picture()));
  });

  test('dispose() frees what the classifier loaded, keeps the caller’s model, and refuses later calls', async () => {
    const model = buildModel({ seed: 2 });
    const given = createClassifier({ model });
    await given.classify(picture());
    given.dispose();
    await expect(given.classify(picture())).rejects.toMatchObject({ code: 'DISPOSED' });
    expect(model.getWeights()[0].isDisposed).toBe(false);

    await createClassifier({ model }).classify(picture());
    const before = tf.memory().numTensors;
    const own = createClassifier();
    await own.load();
    expect(tf.memory().numTensors).toBeGreaterThan(before);
    own.dispose();
    own.dispose();
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(tf.memory().numTensors).toBe(before);
  });

  test('a model disposed by its owner is reported', async () => {
    const model = buildModel({ seed: 2 });
    const classifier = createClassifier({ model });
    await classifier.classify(picture());
    model.dispose();
    await expect(classifier.classify(picture())).rejects.toMatchObject({ code: 'DISPOSED' });
  });

  test('refuses what it cannot use', async () => {
    expect(() => createClassifier({ backend: 'nope' })).toThrow(expect.objectContaining({ code: 'BACKEND_UNKNOWN' }));
    expect(() => createClassifier({ normalization: 'none' as 'unit' })).toThrow(
      expect.objectContaining({ code: 'OPTION' }),
    );
    const { layers, sequential } = await import('@tensorflow/tfjs-layers');
    const model = sequential({ layers: [layers.flatten({ inputShape: [32, 32, 1] }), layers.dense({ units: 7 })] });
    await expect(createClassifier({ model, classes: [...EMOTIONS] }).classify(picture())).rejects.toMatchObject({
      code: 'CLASSES',
      message: expect.stringContaining('7'),
    });
    expect(() => createClassifier({ model, classes: ['a', 'a'] })).toThrow(
      expect.objectContaining({ code: 'CLASSES' }),
    );
  });
});

describe('the pretrained weights', () => {
  test('are the network of the report, and carry their description', async () => {
    const model = await loadPretrained();
    expect(model.countParams()).toBe(535_397);
    expect(model.layers.map((layer) => layer.name)).toEqual(buildModel().layers.map((layer) => layer.name));
    expect(metadataOf(model)).toEqual(pretrained);
    expect(pretrained).toMatchObject({
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      classes: EMOTIONS,
      normalization: expect.any(String),
    });
    model.dispose();
  });

  test('that are missing or damaged are reported', async () => {
    await expect(loadPretrained({ assets: { 'weights.bin': './nowhere.bin' } })).rejects.toMatchObject({
      code: 'WEIGHTS_UNREACHABLE',
      message: expect.stringContaining('nowhere.bin'),
    });
    await expect(loadPretrained({ assets: { 'weights.bin': './package-lock.json' } })).rejects.toMatchObject({
      code: 'WEIGHTS_CORRUPT',
    });
  });
});
