import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withOffsets } from '../../src/classify/class-offsets.js';
import {
  buildModel,
  type ClassOffsets,
  classify,
  classifyFaces,
  createClassifier,
  createTracker,
  type Emotion,
  type FaceDetector,
  type PixelImage,
  type Prediction,
} from '../../src/index.js';
import * as lite from '../../src/lite.js';
import { ClassifierPool } from '../../src/node.js';
import { toFiles } from '../../src/tfjs/model/artifacts.js';
import fc from '../fast-check.js';

const face: PixelImage = {
  data: Uint8Array.from({ length: 40 * 40 }, (_, k) => 128 + 100 * Math.sin(k / 9) * Math.cos(k / 300)),
  width: 40,
  height: 40,
  channels: 1,
};
const offsets: ClassOffsets<Emotion> = { angry: 1.5, neutral: -2, happy: 0.25 };
const whole: FaceDetector = {
  name: 'whole',
  framing: { scale: 1, right: 0, down: 0 },
  detect: async () => [{ box: { x: 0, y: 0, width: 40, height: 40 }, score: 1 }],
};
const pools: ClassifierPool[] = [];

/** What the definition gives: p exp(offset), divided by the sum. */
function moved(plain: readonly Prediction[], by: Readonly<Record<string, number | undefined>>): Prediction[] {
  const raised = plain.map(({ className, probability }) => ({
    className,
    probability: probability * Math.exp(by[className] ?? 0),
  }));
  const total = raised.reduce((sum, { probability }) => sum + probability, 0);
  return raised
    .map(({ className, probability }) => ({ className, probability: probability / total }))
    .sort((a, b) => b.probability - a.probability);
}

function expectClose(given: readonly Prediction[], expected: readonly Prediction[]) {
  expect(given.map(({ className }) => className)).toEqual(expected.map(({ className }) => className));
  given.forEach(({ probability }, i) => {
    expect(probability).toBeCloseTo(expected[i].probability, 6);
  });
}

async function refusal(work: () => unknown): Promise<string> {
  try {
    await work();
    return 'nothing';
  } catch (error) {
    return error instanceof lite.FerError ? `${error.code}: ${error.message}` : `${error}`;
  }
}

describe('withOffsets', () => {
  test('multiplies by exp(offset) and divides by the sum', () => {
    const [a, b, c] = withOffsets([0.9, 0.1, 0, 0.5, 0.3, 0.2], 1, Float64Array.of(Math.log(2), 0, 0));
    expect(a).toBeCloseTo(1 / 1.5, 15);
    expect(b).toBeCloseTo(0.3 / 1.5, 15);
    expect(c).toBeCloseTo(0.2 / 1.5, 15);
  });

  const row = fc
    .array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 5, maxLength: 5 })
    .filter((values) => values.some((value) => value > 1e-9))
    .map((values) => Float32Array.from(values, (value) => value / values.reduce((sum, each) => sum + each, 0)));
  const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
  const small = fc.double({ min: -3, max: 3, noNaN: true });
  const list = (each: fc.Arbitrary<number>) =>
    fc.array(each, { minLength: 5, maxLength: 5 }).map((values) => Float64Array.from(values));

  test('gives probabilities that sum to 1, for any finite offsets', () => {
    fc.assert(
      fc.property(row, list(finite), (probabilities, by) => {
        const given = [...withOffsets(probabilities, 0, by)];
        expect(given.every((share) => share >= 0 && share <= 1 + 1e-12)).toBe(true);
        expect(given.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
      }),
    );
  });

  test('adds up: two offsets equal their sum, and the same offset for every class changes nothing', () => {
    fc.assert(
      fc.property(row, list(small), list(small), small, (probabilities, first, second, same) => {
        const twice = withOffsets(withOffsets(probabilities, 0, first), 0, second);
        const sums = first.map((offset, c) => offset + second[c] + same);
        withOffsets(probabilities, 0, sums).forEach((share, c) => {
          expect(share).toBeCloseTo(twice[c], 12);
        });
      }),
    );
  });
});

describe('offsets', () => {
  let plain: Prediction[];
  beforeAll(async () => {
    plain = await classify(face);
  });
  afterAll(() => Promise.all(pools.map((pool) => pool.close())));

  test.each(['simd', 'wasm', 'cpu'])('of a classifier on %s move its answers', async (backend) => {
    const before = await createClassifier({ backend }).classify(face);
    expectClose(await createClassifier({ backend, offsets }).classify(face), moved(before, offsets));
  });

  test('of one call move that call, of lite and of the main entry', async () => {
    expectClose(await classify(face, { offsets }), moved(plain, offsets));
    expect(await lite.classify(face, { offsets })).toEqual(await classify(face, { offsets }));
    expect(await classify(face)).toEqual(plain);
    const [first, second] = await classify([face, face], { offsets, topk: 2 });
    expectClose(first, moved(plain, offsets).slice(0, 2));
    expect(second).toEqual(first);
  });

  test('of one call replace those of the classifier', async () => {
    const classifier = lite.createClassifier({ offsets });
    expectClose(await classifier.classify(face), moved(plain, offsets));
    expectClose(await classifier.classify(face, { offsets: { sad: 1 } }), moved(plain, { sad: 1 }));
    expect(await classifier.classify(face, { offsets: {} })).toEqual(plain);
  });

  test('move faces that are found, and faces that are followed', async () => {
    const [found] = await classifyFaces(face, { detector: whole, offsets });
    expectClose(found.predictions, moved(plain, offsets));
    const tracker = createTracker({ detector: whole, offsets, smoothing: 0, foundAfter: 0 });
    const { faces } = await tracker.update(face, 0);
    expectClose(faces[0].predictions, moved(plain, offsets));
  });

  test('move the answers of a pool', async () => {
    const pool = new ClassifierPool({ workers: 1, offsets });
    pools.push(pool);
    const [{ predictions }] = await pool.classify([face]);
    expectClose(predictions!, moved(plain, offsets));
  });

  test('are matched by name with other classes', async () => {
    const model = buildModel({ seed: 3, classes: ['bored', 'attentive', 'away'] });
    const own = toFiles(model);
    const classes = ['bored', 'attentive', 'away'] as const;
    const by = { away: 3, bored: -0.5 };
    const before = await createClassifier({ model, classes }).classify(face);
    const expected = moved(before as never, by);
    expectClose((await createClassifier({ model, classes, offsets: by }).classify(face)) as never, expected);
    expectClose((await lite.createClassifier({ model: own, classes, offsets: by }).classify(face)) as never, expected);
  });
});

// biome-ignore lint/suspicious/noExplicitAny: what types do not allow
const wrong = (value: unknown) => value as any;

describe('wrong offsets are refused', () => {
  test.each<[string, () => unknown]>([
    ['a classifier', () => createClassifier({ offsets: wrong({ angri: 1 }) }).load()],
    ['a classifier of lite', () => lite.createClassifier({ offsets: wrong({ angri: 1 }) }).classify(face)],
    ['a call', () => classify(face, { offsets: wrong({ Angri: 1 }) })],
    ['faces', () => classifyFaces(face, { detector: whole, offsets: wrong({ angri: 1 }) })],
    ['a pool', () => new ClassifierPool({ workers: 1, offsets: wrong({ angri: 1 }) }).load()],
  ])('by %s: the name that is nearly right is named', async (_, work) => {
    expect(await refusal(work)).toMatch(
      /^CLASSES: offsets has "[aA]ngri", which is not a class: did you mean 'angry'\?$/,
    );
  });

  test('an unknown name without a near match is answered with all names', async () => {
    expect(await refusal(() => classify(face, { offsets: wrong({ contempt: 1 }) }))).toBe(
      'CLASSES: offsets has "contempt", which is not a class: use angry, happy, sad, neutral, surprised',
    );
  });

  test.each<[unknown, string]>([
    [{ angry: Number.NaN }, 'offsets.angry must be a finite number, got NaN'],
    [{ sad: Number.POSITIVE_INFINITY }, 'offsets.sad must be a finite number, got Infinity'],
    [{ sad: '0.4' }, "offsets.sad must be a finite number, got '0.4'"],
    [[0.4, 0, 0, 0, 0], 'offsets must be numbers by class name, such as { angry: 0.4 }, got 0.4, 0, 0, 0, 0'],
    [null, 'offsets must be numbers by class name, such as { angry: 0.4 }, got null'],
    ['angry', "offsets must be numbers by class name, such as { angry: 0.4 }, got 'angry'"],
  ])('%o', async (value, message) => {
    for (const work of [
      () => createClassifier({ offsets: wrong(value) }),
      () => lite.createClassifier({ offsets: wrong(value) }),
      () => classify(face, { offsets: wrong(value) }),
      () => createTracker({ offsets: wrong(value) }),
      () => new ClassifierPool({ offsets: wrong(value) }),
    ]) {
      expect(await refusal(work)).toBe(`OPTION: ${message}`);
    }
  });
});
