import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { FACES } from '../../examples/node-classify/faces.js';
import { intersectionOverUnion } from '../../src/image/box.js';
import { toPixels } from '../../src/image/to-pixels.js';
import { classifyFaces, faceApiDetector, type PixelImage, useBackend } from '../../src/index.js';

const grey: PixelImage = { data: new Uint8Array(64 * 48).fill(127), width: 64, height: 48, channels: 1 };

beforeAll(() => useBackend('wasm'));

describe('faceApiDetector', () => {
  test("finds a photo's faces on our backend, in pixels of the photo", async () => {
    const detector = faceApiDetector({ inputSize: 416 });
    const photo = (await toPixels('node_modules/@vladmandic/face-api/demo/sample5.jpg')) as PixelImage;
    const found = await detector.detect(photo);
    for (const box of FACES['sample5.jpg']) {
      expect(found.some((face) => intersectionOverUnion(face.box, box) > 0.25)).toBe(true);
    }
    expect(tf.getBackend()).toBe('wasm');
    const [face] = await classifyFaces(photo, { detector, maxFaces: 1 });
    expect(face.predictions).toHaveLength(5);
    detector.dispose();
  });

  test('leaves no tensor behind, frame after frame, and frees its weights', async () => {
    const before = tf.memory().numTensors;
    const detector = faceApiDetector({ inputSize: 128 });
    await detector.detect(grey);
    const { numTensors, numBytes } = tf.memory();
    for (let frame = 0; frame < 20; frame++) await detector.detect(grey);
    expect(tf.memory()).toMatchObject({ numTensors, numBytes });
    detector.dispose();
    await expect(detector.detect(grey)).rejects.toMatchObject({ code: 'DISPOSED' });
    expect(tf.memory().numTensors).toBe(before);
  });

  test('missing model files and options out of range give errors', async () => {
    const lost = faceApiDetector({ assets: 'no/such/folder' });
    await expect(lost.detect(grey)).rejects.toMatchObject({
      code: 'DETECTOR_UNAVAILABLE',
      message: expect.stringMatching(/no\/such\/folder\/tiny_face_detector_model-weights_manifest\.json.*assets/),
    });
    for (const options of [{ inputSize: 100 }, { minScore: 0 }, { minScore: Number.NaN }]) {
      expect(() => faceApiDetector(options)).toThrow(expect.objectContaining({ code: 'OPTION' }));
    }
  });
});
