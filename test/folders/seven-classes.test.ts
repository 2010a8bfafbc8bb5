import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EMOTIONS } from '../../src/emotions.js';
import { splitDataset } from '../../src/folders/split-dataset.js';
import { buildModel, createClassifier, evaluate, type Prediction, preprocess, train } from '../../src/index.js';
import { createClassifier as createLite } from '../../src/lite.js';
import {
  ClassifierPool,
  type ImageFolder,
  imageFolder,
  loadModel,
  openDataset,
  saveModel,
  toOnnx,
} from '../../src/node.js';
import { toFiles } from '../../src/tfjs/model/artifacts.js';
import { randomStream, shuffledIndices } from '../../src/tfjs/train/random.js';
import fc from '../fast-check.js';
import { leftOut, NIGHT } from '../night.js';
import { sharedPath } from '../shared.js';

if (!NIGHT) leftOut('four of five sets of folder names', '1');

const faces = sharedPath('ferplus');
const built = existsSync('dist/node/classifier-worker.cjs');
if (!built) console.warn('\n  !! SKIPPED: ClassifierPool runs the built worker; `npm run build` first.\n');

const SEVEN = [...EMOTIONS, 'disgust', 'fear'];
/** FER2013's own order: 0 is angry, 6 is neutral. */
const FER2013 = ['angry', 'disgust', 'fear', 'happy', 'sad', 'surprised', 'neutral'];
const USAGES = [...Array<string>(8).fill('Training'), 'PublicTest', 'PublicTest', 'PrivateTest'];

const folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-seven-'));
afterAll(() => rmSync(folder, { recursive: true }));
const quiet = { onNote() {} };

/** Faces of each class under FER2013's own label, as the one CSV that FER2013 is published as. */
async function writeFer2013(path: string): Promise<string[]> {
  const all = readFileSync(join(faces!, 'original.csv'), 'utf8').trim().split(/\r?\n/).slice(1);
  const rows: string[] = [];
  const names: string[] = [];
  for (const [i, usage] of USAGES.entries()) {
    for (const [emotion, name] of FER2013.entries()) {
      const file = all.filter((line) => line.endsWith(`,${name}`))[i].split(',')[0];
      const { data } = await sharp(join(faces!, file)).greyscale().raw().toBuffer({ resolveWithObject: true });
      rows.push(`${emotion},${[...data].join(' ')},${usage}`);
      names.push(name);
    }
  }
  writeFileSync(path, ['emotion,pixels,Usage', ...rows, ''].join('\n'));
  return names;
}

const byName = (list: readonly Prediction<string>[]) =>
  Object.fromEntries(list.map(({ className, probability }) => [className, probability]));

describe.skipIf(faces === null)('fer2013.csv, seven classes', () => {
  const csv = join(folder, 'fer2013.csv');
  let model: LayersModel;
  let names: string[];

  beforeAll(async () => {
    names = await writeFer2013(csv);
    const data = await openDataset(csv, quiet);
    model = buildModel({ classes: data.classes, seed: 3 });
    // Weights of the last epoch: without validation data, none is better.
    await train(model, data.train!, { epochs: 20, batchSize: 14, learningRate: 2e-3, seed: 3 });
  });
  afterAll(() => model?.dispose());

  test('gives every row its label and its split', async () => {
    const data = await openDataset(csv, quiet);
    expect(data.classes).toEqual(SEVEN);
    expect([data.train?.length, data.validation?.length, data.test?.length]).toEqual([56, 14, 7]);
    expect(data.all.files.map(({ label }) => data.classes[label])).toEqual(names);
    expect(data.all.files.map(({ path }) => basename(path))).toEqual(names.map((_, i) => `fer2013.csv#${i + 2}`));
  });

  test('keeps the names of classes in classifier, evaluation, lite, pool and ONNX', async () => {
    const data = await openDataset(csv, quiet);
    const report = await evaluate(model, data.train!);
    expect(report.classes.map(({ className }) => className)).toEqual(SEVEN);
    // A mix-up of names would leave a seventh.
    expect(report.accuracy).toBeGreaterThan(0.8);

    const samples = [];
    for await (const sample of data.validation!) samples.push(sample.image);
    const classifier = createClassifier({ model, classes: SEVEN });
    const expected = (await classifier.classify(samples)).map(byName);
    classifier.dispose();
    const close = expected.map((each) =>
      Object.fromEntries(Object.entries(each).map(([name, value]) => [name, expect.closeTo(value, 5)])),
    );

    const saved = join(folder, 'model');
    await saveModel(model, saved);
    const loaded = await loadModel(saved);
    const again = createClassifier({ model: loaded, classes: SEVEN });
    expect((await again.classify(samples)).map(byName)).toEqual(close);
    expect((await evaluate(loaded, data.train!)).confusionMatrix).toEqual(report.confusionMatrix);
    again.dispose();
    const lite = createLite<string>({ model: toFiles(loaded) });
    expect((await lite.classify(samples)).map(byName)).toEqual(close);
    lite.dispose();
    if (built) {
      const pool = new ClassifierPool({ model: saved, classes: SEVEN, workers: 1 });
      expect((await pool.classify(samples)).map(({ predictions }) => byName(predictions!))).toEqual(close);
      expect(pool.classes).toEqual(SEVEN);
      await pool.close();
    }

    const onnx = await toOnnx(loaded);
    const session = await InferenceSession.create(onnx, { intraOpNumThreads: 1 });
    const inputs = await preprocess(samples, { normalization: 'unit' });
    const { probabilities } = await session.run({
      images: new Tensor('float32', inputs.dataSync() as Float32Array, inputs.shape),
    });
    inputs.dispose();
    // Of the text of its metadata, as any reader of ONNX files finds it.
    const text = Buffer.from(onnx).toString('latin1');
    const classes = JSON.parse(/\["angry"[^\]]*\]/.exec(text)![0]) as string[];
    expect(classes).toEqual(SEVEN);
    const values = probabilities.data as Float32Array;
    const said = samples.map((_, row) => Object.fromEntries(classes.map((name, c) => [name, values[7 * row + c]])));
    expect(said).toEqual(close);
    loaded.dispose();
  });

  test('splitDataset writes the splits of FER2013 itself, each picture into the folder of its class', async () => {
    const out = join(folder, 'split');
    expect(await splitDataset(csv, out, quiet)).toEqual({ train: 56, val: 14, test: 7 });
    const whole = await openDataset(csv, quiet);
    for (const [part, own] of [
      ['train', whole.train!],
      ['val', whole.validation!],
      ['test', whole.test!],
    ] as const) {
      const written = imageFolder(join(out, part), { classes: SEVEN });
      const levels = async (images: ImageFolder) => {
        const list: string[] = [];
        for await (const { image, label } of images) {
          // A grey PNG is read with three equal channels.
          const grey = image.data.filter((_, k) => k % image.channels === 0);
          list.push(`${SEVEN[label as number]} ${createHash('sha256').update(grey).digest('hex')}`);
        }
        return list.sort();
      };
      expect(await levels(written)).toEqual(await levels(own));
      const [first] = written.files;
      expect((await sharp(first.path).metadata()).channels).toBe(1);
    }
    const kept = await splitDataset(csv, join(folder, 'few'), {
      ...quiet,
      keep: ['happy', 'sad'],
      map: { disgust: 'sad' },
    });
    expect(kept).toEqual({ train: 24, val: 6, test: 3 });
    await expect(splitDataset(csv, out, quiet)).rejects.toMatchObject({ code: 'OPTION' });
  });
});

test('the order and spelling of folder names change neither training nor evaluation', async () => {
  const spelled: Record<string, string[]> = {
    angry: ['angry', 'Anger', 'AN'],
    happy: ['happy', 'Happiness', 'joy'],
    sad: ['sad', 'SAD', 'Sadness'],
    neutral: ['neutral', 'Neutral', 'NE'],
    surprised: ['surprised', 'Surprise', 'SU'],
    disgust: ['disgust', 'Disgusted', 'DI'],
    fear: ['fear', 'fearful', 'Afraid'],
  };
  const pictures = await Promise.all(
    SEVEN.map((_, c) => {
      const data = Buffer.from(Array.from({ length: 1024 }, (_, p) => (((p % 32) * (c + 1) + (p >> 5) * c) * 7) % 256));
      return sharp(data, { raw: { width: 32, height: 32, channels: 1 } })
        .png()
        .toBuffer();
    }),
  );
  let made = 0;
  async function learned(order: readonly number[], spelling: readonly number[]) {
    const top = join(folder, `names${made++}`);
    for (const c of order) {
      const dir = join(top, spelled[SEVEN[c]][spelling[c]]);
      mkdirSync(dir, { recursive: true });
      // Names sort otherwise than classes.
      for (const i of [1, 2]) writeFileSync(join(dir, `${(c * 5) % 7}${i}.png`), pictures[c]);
    }
    const data = imageFolder(top, quiet);
    const model = buildModel({ classes: SEVEN, seed: 1 });
    await train(model, data, { epochs: 2, batchSize: 4, seed: 1 });
    const classifier = createClassifier<string>({ model });
    const said = await classifier.classify(pictures);
    const { confusionMatrix, classes } = await evaluate(
      model,
      imageFolder(top, { ...quiet, classes: order.map((c) => SEVEN[c]) }),
    );
    classifier.dispose();
    model.dispose();
    return { said: said.map(byName), confusionMatrix, classes: classes.map(({ className }) => className) };
  }
  const straight = await learned([0, 1, 2, 3, 4, 5, 6], [0, 0, 0, 0, 0, 0, 0]);
  expect(straight.classes).toEqual(SEVEN);
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.array(fc.nat(2), { minLength: 7, maxLength: 7 }), async (seed, spelling) => {
      const other = await learned([...shuffledIndices(7, randomStream(seed))], spelling);
      expect(other.classes).toEqual(SEVEN);
      expect(other.confusionMatrix).toEqual(straight.confusionMatrix);
      expect(other.said).toEqual(straight.said);
    }),
    { numRuns: NIGHT ? 5 : 1 },
  );
});
