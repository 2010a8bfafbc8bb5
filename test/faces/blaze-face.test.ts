import { readFileSync } from 'node:fs';
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { FACES } from '../../examples/node-classify/faces.js';
import { intersectionOverUnion } from '../../src/faces/merge-detections.js';
import { toPixels } from '../../src/image/to-pixels.js';
import { blazeFaceDetector, type PixelImage, useBackend } from '../../src/index.js';
import { blazeNetwork } from '../../src/tfjs/blaze-network.js';

const photo = async (name: string) => (await toPixels(`node_modules/@vladmandic/face-api/demo/${name}`)) as PixelImage;
const grey: PixelImage = { data: new Uint8Array(64 * 48).fill(127), width: 64, height: 48, channels: 1 };

beforeAll(() => useBackend('wasm'));

describe('blazeFaceDetector', () => {
  test('finds at least 20 of the 22 faces on six photos, and nothing else', async () => {
    const detector = blazeFaceDetector();
    let right = 0;
    for (const [name, boxes] of Object.entries(FACES)) {
      const found = await detector.detect(await photo(name));
      const hits = boxes.filter((box) => found.some((face) => intersectionOverUnion(face.box, box) > 0.25));
      expect(found.length, `faces on ${name}`).toBe(hits.length);
      right += hits.length;
    }
    expect(right).toBeGreaterThanOrEqual(20);
    detector.dispose();
  });

  test('places boxes and points in pixels of the picture, whatever its size and shape', async () => {
    const detector = blazeFaceDetector();
    const whole = await photo('sample2.jpg');
    const [first] = (await detector.detect(whole)).toSorted((a, b) => b.score - a.score);
    const names = first.keypoints!.map(({ name }) => name);
    expect(names).toEqual(['rightEye', 'leftEye', 'noseTip', 'mouthCenter', 'rightEarTragion', 'leftEarTragion']);
    const at = Object.fromEntries(first.keypoints!.map(({ name, ...point }) => [name, point]));
    expect(at.rightEye.x).toBeLessThan(at.leftEye.x);
    expect(at.rightEye.y).toBeLessThan(at.mouthCenter.y);

    // The same face on a tall piece of the picture lies where the piece was cut.
    const left = Math.round(first.box.x - 0.5 * first.box.width);
    const width = Math.round(2 * first.box.width);
    const data = new Uint8Array(width * whole.height * 3);
    for (let y = 0; y < whole.height; y++) {
      const from = (y * whole.width + left) * 3;
      data.set(whole.data.subarray(from, from + 3 * width), y * width * 3);
    }
    const [again] = await detector.detect({ data, width, height: whole.height, channels: 3 });
    expect(intersectionOverUnion({ ...again.box, x: again.box.x + left }, first.box)).toBeGreaterThan(0.7);
    detector.dispose();
  });

  test('finds nothing where nothing is, on pictures of any size', async () => {
    const detector = blazeFaceDetector();
    for (const [width, height] of [
      [1, 1],
      [64, 48],
      [3, 700],
    ]) {
      const data = new Uint8Array(width * height).fill(127);
      expect(await detector.detect({ data, width, height, channels: 1 })).toEqual([]);
    }
    detector.dispose();
  });

  test('holds its weights and nothing more over 200 frames, and frees them', async () => {
    const before = tf.memory().numTensors;
    const detector = blazeFaceDetector({ inputSize: 64 });
    await detector.detect(grey);
    const { numTensors, numBytes } = tf.memory();
    for (let frame = 0; frame < 200; frame++) await detector.detect(grey);
    expect(tf.memory()).toMatchObject({ numTensors, numBytes });
    detector.dispose();
    await expect(detector.detect(grey)).rejects.toMatchObject({ code: 'DISPOSED' });
    expect(tf.memory().numTensors).toBe(before);
  });

  test('options out of their range, and weights that are not there, are told', async () => {
    for (const options of [{ inputSize: 100 }, { inputSize: 0 }, { minScore: 0 }, { minScore: 1 }]) {
      expect(() => blazeFaceDetector(options)).toThrow(expect.objectContaining({ code: 'OPTION' }));
    }
    const detector = blazeFaceDetector({ assets: 'no/such/' });
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(detector.detect(grey)).rejects.toMatchObject({
        code: 'DETECTOR_UNAVAILABLE',
        message: expect.stringContaining('no/such/blazeface.bin'),
      });
    }
  });
});

describe('blazeNetwork', () => {
  test("gives what TF.js's own graph model gives on the weights that it was made of", async () => {
    const folder = 'node_modules/@vladmandic/human/models';
    const { modelTopology, weightsManifest } = JSON.parse(readFileSync(`${folder}/blazeface.json`, 'utf8'));
    const bytes = readFileSync(`${folder}/blazeface.bin`);
    const weightData = new Uint8Array(bytes).buffer;
    const model = await loadGraphModel(
      tf.io.fromMemory({ modelTopology, weightSpecs: weightsManifest[0].weights, weightData }),
    );
    const network = blazeNetwork(new Uint8Array(readFileSync('dist/faces/blazeface.bin')));
    const pixels = Float32Array.from({ length: 256 * 256 * 3 }, (_, k) => 128 + 100 * Math.sin(k * 0.013));
    const [fine, coarse] = await network.run(pixels, 256, 256);

    const names = ['Identity:0', 'Identity_2:0', 'Identity_1:0', 'Identity_3:0'];
    const expected = tf.tidy(
      () => model.execute(tf.sub(tf.div(tf.tensor4d(pixels, [1, 256, 256, 3]), 127.5), 1), names) as tf.Tensor[],
    );
    const found = [fine.logits, fine.places, coarse.logits, coarse.places];
    for (const [k, tensor] of expected.entries()) {
      const values = await tensor.data<'float32'>();
      expect(values.length).toBe(found[k].length);
      const worst = values.reduce((most, value, i) => Math.max(most, Math.abs(value - found[k][i])), 0);
      expect(worst, names[k]).toBeLessThan(1e-3);
    }
    tf.dispose(expected);
    model.dispose();
    network.dispose();
  });

  test('refuses weights of another length', () => {
    expect(() => blazeNetwork(new Uint8Array(100))).toThrow(expect.objectContaining({ code: 'WEIGHTS_CORRUPT' }));
  });
});
