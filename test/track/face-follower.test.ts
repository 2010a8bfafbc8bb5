import { describe, expect, test, vi } from 'vitest';
import { classifyFaces } from '../../src/classify/classify-faces-lite.js';
import {
  blazeFaceDetector,
  createTracker,
  type Detection,
  type FaceDetector,
  FerError,
  type PixelImage,
} from '../../src/lite.js';
import { faceFollower } from '../../src/track/face-follower.js';
import { drawn } from '../faces/drawn-images.js';

const image = { data: new Uint8Array(640 * 480), width: 640, height: 480, channels: 1 } satisfies PixelImage;
const face = (x: number): Detection => ({ box: { x, y: 100, width: 80, height: 80 }, score: 0.9 });

/** A detector that returns the given faces, for the whole image and for a part. */
function seeing(faces: Detection[]) {
  const inside = ({ box }: Detection, part: { x: number; width: number }) =>
    box.x >= part.x && box.x + box.width <= part.x + part.width;
  const now = { faces };
  return {
    now,
    detect: vi.fn(async (_: PixelImage) => now.faces),
    detectIn: vi.fn(async (_: PixelImage, part: { x: number; y: number; width: number; height: number }) =>
      now.faces.filter((one) => inside(one, part)),
    ),
  };
}

describe('faceFollower', () => {
  test('searches the whole picture at intervals, and a square around each face in between', async () => {
    const detector = seeing([face(100)]);
    const { detectorAt } = faceFollower(() => detector, 200);
    for (const time of [0, 40, 80, 199, 200, 240]) {
      detector.now.faces = [face(100 + time / 10)];
      expect(await detectorAt(time).detect(image)).toEqual([face(100 + time / 10)]);
    }
    expect(detector.detect).toHaveBeenCalledTimes(2);
    expect(detector.detectIn).toHaveBeenCalledTimes(4);
    expect(detector.detectIn.mock.calls[1][1]).toEqual({ x: 64, y: 60, width: 160, height: 160 });
  });

  test('searches the whole picture at once when a face has left its place, or the size of the picture changes', async () => {
    const detector = seeing([face(100)]);
    const { detectorAt } = faceFollower(() => detector, 200);
    await detectorAt(0).detect(image);
    detector.now.faces = [face(400)];
    expect(await detectorAt(40).detect(image)).toEqual([face(400)]);
    expect(detector.detect).toHaveBeenCalledTimes(2);
    await detectorAt(80).detect({ ...image, width: 480, height: 640 });
    expect(detector.detect).toHaveBeenCalledTimes(3);
  });

  test('follows two faces separately, and searches the whole picture for more', async () => {
    const detector = seeing([face(100), face(200)]);
    const { detectorAt } = faceFollower(() => detector, 200);
    await detectorAt(0).detect(image);
    expect(await detectorAt(40).detect(image)).toEqual([face(100), face(200)]);
    expect(detector.detect).toHaveBeenCalledTimes(1);
    detector.now.faces = [face(100), face(200), face(300)];
    await detectorAt(200).detect(image);
    await detectorAt(240).detect(image);
    expect(detector.detect).toHaveBeenCalledTimes(3);
  });

  test('reports one face once that was found twice', async () => {
    const detector = seeing([face(100), face(130)]);
    const { detectorAt } = faceFollower(() => detector, 200);
    await detectorAt(0).detect(image);
    detector.now.faces = [face(115)];
    expect(await detectorAt(40).detect(image)).toEqual([face(115)]);
  });

  test('changes no detector without detectIn, and none when it is switched off', async () => {
    const without: FaceDetector = { detect: async () => [] };
    expect(faceFollower(() => without, 200).detectorAt(0)).toBe(without);
    const detector = seeing([]);
    expect(faceFollower(() => detector, 0).detectorAt(0)).toBe(detector);
  });
});

describe('createTracker', () => {
  // A head that walks through a camera's picture and back, 25 pictures a second.
  const walk = Array.from({ length: 40 }, (_, k) => ({
    timestamp: 40 * k,
    image: drawn(640, 480, 3, [{ x: 320 + 150 * Math.sin(k / 8), y: 240 + 30 * Math.sin(k / 5), size: 90 }]),
  }));

  test('gives nearly the same faces whether it follows them in crops or searches all of every picture', async () => {
    const found = async (detectEvery: number) => {
      const detector = blazeFaceDetector();
      const whole = vi.spyOn(detector, 'detect');
      const tracker = createTracker({ detector, detectEvery, foundAfter: 0 });
      const states = [];
      for await (const { faces } of tracker.follow(walk)) states.push(faces);
      return { states, whole: whole.mock.calls.length };
    };
    const every = await found(0);
    const followed = await found(200);
    expect(every.whole).toBe(40);
    expect(followed.whole).toBeLessThanOrEqual(10);
    for (const [k, faces] of followed.states.entries()) {
      expect(faces.map(({ id }) => id)).toEqual([1]);
      expect(every.states[k]).toHaveLength(1);
      const [{ box, probabilities }] = faces;
      const wanted = every.states[k][0];
      const side = wanted.box.width;
      // A twelfth of the face: with full searches, boxes also move by this much from picture to picture.
      expect(Math.abs(box.x + box.width / 2 - wanted.box.x - side / 2)).toBeLessThan(side / 12);
      expect(Math.abs(box.y + box.height / 2 - wanted.box.y - side / 2)).toBeLessThan(side / 12);
      expect(Math.abs(box.width / side - 1)).toBeLessThan(0.12);
      for (const [c, probability] of probabilities.entries()) {
        expect(Math.abs(probability - wanted.probabilities[c])).toBeLessThan(0.25);
      }
    }
  });

  test('also works with classifyFaces of fer-dcnn/lite, and refuses a wrong detectEvery', async () => {
    const [face] = await classifyFaces(walk[0].image);
    expect(face.predictions).toHaveLength(5);
    expect(() => createTracker({ detectEvery: -1 })).toThrow(FerError);
    expect(() => createTracker({ detectEvery: Number.NaN })).toThrow(expect.objectContaining({ code: 'OPTION' }));
  });
});
