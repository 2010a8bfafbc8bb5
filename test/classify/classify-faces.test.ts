import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import {
  classify,
  classifyFaces,
  createClassifier,
  type Detection,
  type FaceDetector,
  FerError,
  type PixelImage,
} from '../../src/index.js';

const image: PixelImage = {
  data: Uint8Array.from({ length: 80 * 60 * 3 }, (_, k) => 128 + 90 * Math.sin(k / 41) * Math.cos(k / 970)),
  width: 80,
  height: 60,
  channels: 3,
};

const face = (x: number, y: number, side: number, score = 0.9): Detection => ({
  box: { x, y, width: side, height: side },
  score,
});

/** A detector that returns the given faces. */
const saying = (found: unknown, framing?: FaceDetector['framing']): FaceDetector => ({
  name: 'scripted',
  framing,
  detect: async () => found as Detection[],
});

describe('classifyFaces', () => {
  test('gives each face with its box, score and emotions, the biggest first', async () => {
    const faces = await classifyFaces(image, {
      detector: saying([face(5, 5, 10, 0.5), face(30, 20, 30, 0.7), face(60, 5, 15, 0.9)]),
    });
    expect(faces.map(({ box, score }) => [box.x, box.width, score])).toEqual([
      [30, 30, 0.7],
      [60, 15, 0.9],
      [5, 10, 0.5],
    ]);
    for (const { box, predictions } of faces) expect(predictions).toEqual(await classify(image, { box }));
  });

  test('without faces the list is empty, or has the whole image if the option says so', async () => {
    const detector = saying([]);
    expect(await classifyFaces(image, { detector })).toEqual([]);
    const [whole, ...more] = await classifyFaces(image, { detector, fallback: 'whole' });
    expect(more).toEqual([]);
    expect(whole).toMatchObject({ box: { x: 0, y: 0, width: 80, height: 60 }, score: 0 });
    expect(whole.predictions).toEqual(await classify(image));
  });

  test('loads the classifier while faces are searched', async () => {
    const order: string[] = [];
    const detector: FaceDetector = {
      async detect() {
        order.push('detect');
        return [];
      },
    };
    const classifier = {
      classify: async (): Promise<never> => {
        throw new Error('there is no face to classify');
      },
      load: async () => {
        order.push('load');
      },
    };
    await classifyFaces(image, { detector, classifier });
    expect(order).toEqual(['load', 'detect']);
  });

  test('reports that the classifier cannot be loaded only if there is a face', async () => {
    const assets = { 'weights.bin': new Uint8Array(3) };
    const classifier = createClassifier({ assets });
    expect(await classifyFaces(image, { detector: saying([]), classifier })).toEqual([]);
    await expect(classifyFaces(image, { detector: saying([face(5, 5, 10)]), classifier })).rejects.toMatchObject({
      code: 'WEIGHTS_CORRUPT',
    });
  });

  test('minScore, maxFaces and topk limit the answer', async () => {
    const detector = saying([face(5, 5, 10, 0.5), face(30, 20, 30, 0.7), face(60, 5, 15, 0.9)]);
    const sure = await classifyFaces(image, { detector, minScore: 0.7 });
    expect(sure.map(({ score }) => score)).toEqual([0.7, 0.9]);
    const [biggest, ...others] = await classifyFaces(image, { detector, maxFaces: 1, topk: 2 });
    expect(others).toEqual([]);
    expect(biggest.box.x).toBe(30);
    expect(biggest.predictions).toHaveLength(2);
  });

  test("the crop is the box in the detector's framing, about the same centre when nothing is shifted", async () => {
    const [{ crop }] = await classifyFaces(image, {
      detector: saying([{ box: { x: 20, y: 10, width: 10, height: 40 }, score: 1 }], {
        scale: 1.5,
        right: 0.1,
        down: -0.2,
      }),
    });
    // sqrt(10 * 40) = 20: the side is 30, the centre moves from (25, 30) to (27, 26).
    expect(crop).toEqual({ x: 12, y: 11, width: 30, height: 30, angle: 0 });
  });

  test('a leaning face is turned upright, to within five degrees, about its centre; its shift turns with it', async () => {
    const leaning = (angle: number) =>
      saying(
        [
          {
            ...face(30, 20, 20),
            keypoints: [
              { name: 'leftEye', x: 40 + 5 * Math.cos(angle), y: 30 + 5 * Math.sin(angle) },
              { name: 'rightEye', x: 40 - 5 * Math.cos(angle), y: 30 - 5 * Math.sin(angle) },
            ],
          },
        ],
        { scale: 1, right: 0, down: 0.5 },
      );
    const fiveDegrees = Math.PI / 36;
    const [{ crop, predictions }] = await classifyFaces(image, { detector: leaning(Math.PI / 2 + fiveDegrees) });
    // A quarter turn is left: "down" on the face is to the left on the picture.
    expect(crop.angle).toBeCloseTo(Math.PI / 2, 12);
    expect(crop.x).toBeCloseTo(20, 9);
    expect(crop.y).toBeCloseTo(20, 9);
    expect(predictions).toEqual(await classify(image, { box: crop }));

    const [other] = await classifyFaces(image, { detector: leaning(-0.3) });
    expect(other.crop.angle).toBeCloseTo(fiveDegrees - 0.3, 12);
    const [upright] = await classifyFaces(image, { detector: leaning(0.08) });
    expect(Math.abs(upright.crop.angle!)).toBe(0);
  });

  test('a face that is almost outside the picture is classified on its box', async () => {
    const detector = saying([face(79, 20, 20)], { scale: 0.5, right: 0.4, down: 0 });
    const [{ box, crop }] = await classifyFaces(image, { detector });
    expect(crop).toEqual({ ...box, angle: 0 });
  });

  test('the detector gets the pixels of every kind of input', async () => {
    const seen: PixelImage[] = [];
    const detector: FaceDetector = {
      async detect(pixels) {
        seen.push(pixels);
        return [];
      },
    };
    const tensor = tf.tensor3d(Array.from(image.data), [60, 80, 3]);
    await classifyFaces(image, { detector });
    await classifyFaces(tensor, { detector });
    tensor.dispose();
    expect(seen[0].data).toBe(image.data);
    expect(seen[1]).toMatchObject({ width: 80, height: 60, channels: 3 });
    expect(Array.from(seen[1].data)).toEqual(Array.from(image.data));
  });

  test('a classifier of your own classifies the faces', async () => {
    const classifier = createClassifier({ backend: 'cpu' });
    const [{ box, predictions }] = await classifyFaces(image, { detector: saying([face(5, 5, 40)]), classifier });
    expect(predictions).toEqual(await classifier.classify(image, { box }));
    classifier.dispose();
    await expect(classifyFaces(image, { detector: saying([face(5, 5, 40)]), classifier })).rejects.toMatchObject({
      code: 'DISPOSED',
    });
  });

  test('options out of their range are refused', async () => {
    const detector = saying([]);
    const bad = [{ minScore: 1.5 }, { minScore: Number.NaN }, { maxFaces: 0 }, { fallback: 'half' }, { detector: {} }];
    for (const options of bad) {
      await expect(classifyFaces(image, { detector, ...options } as never)).rejects.toMatchObject({ code: 'OPTION' });
    }
  });
});

describe('a detector that answers wrongly', () => {
  const cases: [what: string, found: unknown, code: string, says: RegExp][] = [
    ['nothing', undefined, 'SHAPE', /must give a list/],
    ['a face without a box', [{ score: 1 }], 'SHAPE', /face 0: must be/],
    ['no object', [face(1, 1, 9), null], 'SHAPE', /face 1: must be/],
    ['a box of NaN', [face(Number.NaN, 1, 9)], 'NOT_FINITE', /x: NaN/],
    ['a score of NaN', [face(1, 1, 9, Number.NaN)], 'NOT_FINITE', /score NaN/],
    ['an infinite eye', [{ ...face(1, 1, 9), keypoints: [{ x: Infinity, y: 1 }] }], 'NOT_FINITE', /finite/],
    ['a box without area', [face(1, 1, 0)], 'SHAPE', /no area/],
    ['a box outside the picture', [face(200, 1, 9)], 'SHAPE', /outside the image of 80x60/],
    ['a box of another scale', [face(-1000, -1000, 4000)], 'SHAPE', /more than 4 times/],
  ];
  test.each(cases)('%s: the error says so', async (_what, found, code, says) => {
    await expect(classifyFaces(image, { detector: saying(found) })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(says),
    });
  });

  test('its errors are reported with its name; a FerError does not change', async () => {
    const throwing = (error: Error): FaceDetector => ({ name: 'mine', detect: () => Promise.reject(error) });
    const cause = new Error('no camera permission');
    await expect(classifyFaces(image, { detector: throwing(cause) })).rejects.toMatchObject({
      code: 'DETECTOR_UNAVAILABLE',
      message: "the detector 'mine' failed: no camera permission",
      cause,
    });
    const own = new FerError('PACKAGE_MISSING', 'npm install it');
    await expect(classifyFaces(image, { detector: throwing(own) })).rejects.toBe(own);
  });
});
