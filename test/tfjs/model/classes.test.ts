import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClassifier } from '../../../src/classify/create-classifier.js';
import { createClassifier as createLite } from '../../../src/classify/create-classifier-lite.js';
import type { Prediction } from '../../../src/classify/prediction.js';
import { useBackend } from '../../../src/classify/use-backend.js';
import { EMOTIONS } from '../../../src/emotions.js';
import { loadModel } from '../../../src/folders/load-model.js';
import { saveModel } from '../../../src/folders/save-model.js';
import type { Sample } from '../../../src/image/sample.js';
import { fallbacks } from '../../../src/network/fallbacks.js';
import { startNetwork } from '../../../src/network/network.js';
import { networkModule } from '../../../src/network/network-module.js';
import { evaluate } from '../../../src/tfjs/evaluate/evaluate.js';
import { toFiles } from '../../../src/tfjs/model/artifacts.js';
import { buildModel } from '../../../src/tfjs/model/build-model.js';
import { loadPretrained } from '../../../src/tfjs/model/load-pretrained.js';
import { metadataOf, setMetadata } from '../../../src/tfjs/model/metadata.js';
import { train } from '../../../src/tfjs/train/train.js';
import fc from '../../fast-check.js';
import { leftOut, NIGHT } from '../../night.js';

if (!NIGHT) leftOut('four of six models with their own classes', '1');

const SEVEN = ['angry', 'happy', 'sad', 'neutral', 'surprised', 'disgust', 'fear'];
const dir = mkdtempSync(join(tmpdir(), 'fer-dcnn-classes-'));
beforeAll(() => useBackend('wasm'));
afterAll(() => rmSync(dir, { recursive: true }));

describe('buildModel({ classes })', () => {
  test('changes only the last layer; without it, the network is the one of the report', () => {
    const [five, seven, two] = [
      buildModel({ seed: 3 }),
      buildModel({ seed: 3, classes: SEVEN }),
      buildModel({ classes: 2 }),
    ];
    expect([five, seven, two].map((model) => model.countParams())).toEqual([
      535_397,
      535_397 + 2 * 257,
      535_397 - 3 * 257,
    ]);
    expect(metadataOf(seven).classes).toEqual(SEVEN);
    expect(metadataOf(five).classes).toBeUndefined();
    const body = (model: typeof five) =>
      model
        .getWeights()
        .slice(0, 6)
        .map((weight) => [...weight.dataSync()]);
    expect(body(seven)).toEqual(body(five));
    for (const model of [five, seven, two]) model.dispose();
  });

  test.each([[0], [1], [2.5], [Number.NaN], [[]], [['one']], [['a', 'a']], [['a', '']]])('refuses %j', (classes) => {
    expect(() => buildModel({ classes })).toThrow(expect.objectContaining({ code: 'CLASSES' }));
  });
});

describe('loadPretrained({ classes })', () => {
  test('keeps the body and the columns of the emotions that it knows, by name', async () => {
    const [plain, other] = await Promise.all([
      loadPretrained(),
      loadPretrained({ classes: ['bored', 'Surprise', 'angry'], seed: 1 }),
    ]);
    expect(metadataOf(other)).toEqual({
      classes: ['bored', 'Surprise', 'angry'],
      normalization: metadataOf(plain).normalization,
    });
    const [a, b] = [plain, other].map((model) => model.getWeights().map((weight) => weight.dataSync()));
    expect(b.slice(0, 6)).toEqual(a.slice(0, 6));
    const column = (kernel: ArrayLike<number>, classes: number, c: number) =>
      Array.from({ length: 256 }, (_, k) => kernel[k * classes + c]);
    expect(column(b[6], 3, 1)).toEqual(column(a[6], 5, 4));
    expect(column(b[6], 3, 2)).toEqual(column(a[6], 5, 0));
    expect([b[7][1], b[7][2]]).toEqual([a[7][4], a[7][0]]);
    plain.dispose();
    other.dispose();
  });

  test('leaves no tensor behind, and refuses invalid classes', async () => {
    const before = tf.memory().numTensors;
    (await loadPretrained({ classes: SEVEN })).dispose();
    await expect(loadPretrained({ classes: ['a', 'a'] })).rejects.toMatchObject({ code: 'CLASSES' });
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('names of classes', () => {
  test('train() writes the names of the data into a model without names, in the default order; later calls match by name', async () => {
    const model = buildModel({ classes: 7, seed: 1 });
    const { history } = await train(model, named(SEVEN.toReversed()), { epochs: 10, seed: 1 });
    expect(history.accuracy.at(-1)).toBeGreaterThan(0.9);
    expect(metadataOf(model).classes).toEqual([...EMOTIONS, 'disgust', 'fear']);
    // Saved and loaded, trained on in another order, the names stay.
    await saveModel(model, join(dir, 'seven'));
    const loaded = await loadModel(join(dir, 'seven'));
    await train(loaded, named(SEVEN), { epochs: 1, learningRate: 1e-6 });
    expect(metadataOf(loaded).classes).toEqual([...EMOTIONS, 'disgust', 'fear']);
    const report = await evaluate(loaded, named(['fear', 'sad', 'disgust', 'happy', 'angry', 'neutral', 'surprised']));
    expect(report.accuracy).toBeGreaterThan(0.9);
    expect(report.classes.map(({ className }) => className)).toEqual([...EMOTIONS, 'disgust', 'fear']);

    const classifier = createClassifier({ model: loaded, classes: SEVEN });
    for (const name of SEVEN) {
      const [best] = await classifier.classify(pictureOf(name));
      expect(best.className).toBe(name);
    }
    expect(classifier.classes).toEqual(metadataOf(loaded).classes);
    classifier.dispose();
    loaded.dispose();
    model.dispose();
  });

  test('data of other names is refused with both lists', async () => {
    const model = buildModel({ classes: ['bored', 'attentive'] });
    const other = named(['bored', 'asleep']);
    const refusal = { code: 'CLASSES', message: expect.stringMatching(/bored, asleep.*bored, attentive/) };
    await expect(train(model, other)).rejects.toMatchObject(refusal);
    await expect(evaluate(model, other)).rejects.toMatchObject(refusal);
    await expect(train(model, named(['bored', 'attentive']), { validationData: other })).rejects.toMatchObject(refusal);
    await expect(createClassifier({ model, classes: ['bored', 'asleep'] }).load()).rejects.toMatchObject(refusal);
    await expect(evaluate(buildModel({ classes: 2 }), other)).rejects.toMatchObject({ code: 'CLASSES' });
    await expect(train(model, named(SEVEN))).rejects.toMatchObject({ code: 'CLASSES' });
  });

  test('soft labels are also put into the order of the model', async () => {
    const model = await loadPretrained();
    const image = pictureOf('happy');
    const straight = await evaluate(model, [{ image, label: [0.1, 0.6, 0.1, 0.2, 0] }]);
    const classes = ['surprised', 'happy', 'neutral', 'angry', 'sad'];
    const shuffled = await evaluate(model, Object.assign([{ image, label: [0, 0.6, 0.2, 0.1, 0.1] }], { classes }));
    expect(shuffled).toEqual(straight);
    model.dispose();
  });

  test('any order of the outputs gives the same probability to each named class, on every path', async () => {
    const files = toFiles(await loadPretrained({ classes: SEVEN, seed: 5 }));
    const image = pictureOf('sad');
    const asMap = (list: Prediction<string>[]) =>
      Object.fromEntries(list.map(({ className, probability }) => [className, probability]));
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(SEVEN, { minLength: 7 }), async (classes) => {
        const model = await loadPretrained({ classes: SEVEN, seed: 5 });
        const order = classes.map((name) => SEVEN.indexOf(name));
        const moved = tf.tidy(() =>
          model.getWeights().map((weight, i) => (i < 6 ? weight.clone() : tf.gather(weight, order, -1))),
        );
        model.setWeights(moved);
        tf.dispose(moved);
        setMetadata(model, { classes });
        const own = toFiles(model);
        const said = {
          lite: asMap(await createLite<string>({ model: own }).classify(image)),
          simd: asMap(await createClassifier<string>({ model, backend: 'simd' }).classify(image)),
          wasm: asMap(await createClassifier<string>({ model, backend: 'wasm' }).classify(image)),
        };
        const reference = asMap(await createLite<string>({ model: files }).classify(image));
        for (const each of Object.values(said)) {
          for (const name of SEVEN) expect(each[name]).toBeCloseTo(reference[name], 6);
        }
        model.dispose();
      }),
      { numRuns: NIGHT ? 6 : 2 },
    );
  });

  test.each([2, 7, 40])('the engines agree with TF.js on %d classes', async (count) => {
    const model = buildModel({ classes: count, seed: 2 });
    const inputs = Float32Array.from({ length: 3 * 1024 }, (_, i) => Math.sin(i * 0.37) * 0.5 + 0.5);
    const weights = model.getWeights().map((weight) => weight.dataSync() as Float32Array);
    const expected = tf.tidy(() => (model.predict(tf.tensor(inputs, [3, 32, 32, 1])) as tf.Tensor).dataSync());
    for (const module of [await networkModule(), null]) {
      const network = await startNetwork(module, fallbacks);
      network.setWeights(weights);
      const said = await network.predict(inputs, 3);
      expect(said.length).toBe(3 * count);
      said.forEach((value, i) => {
        expect(value).toBeCloseTo(expected[i], 5);
      });
      network.dispose();
    }
    model.dispose();
  });
});

/** One drawn picture for each of some names. */
function named(classes: readonly string[]): Iterable<Sample> & { classes: readonly string[] } {
  const samples = classes.flatMap((name, label) =>
    Array.from({ length: 6 }, (_, i) => ({ image: pictureOf(name, i), label, file: `${name}${i}` })),
  );
  return Object.assign(samples, { classes });
}

/** Bars whose direction and width say the name. */
function pictureOf(name: string, shade = 0) {
  const k = Math.max(0, [...SEVEN, 'bored', 'attentive', 'asleep'].indexOf(name));
  const data = Uint8ClampedArray.from({ length: 32 * 32 }, (_, p) => {
    const [x, y] = [p % 32, p >> 5];
    return (Math.floor((x * (k % 3) + y * (k >> 1)) / (k + 2)) % 2) * 180 + k * 9 + shade;
  });
  return { data, width: 32, height: 32, channels: 1 as const };
}
