import { readFileSync } from 'node:fs';
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { FACES } from '../../examples/node-classify/faces.js';
import { intersectionOverUnion } from '../../src/image/box.js';
import { toPixels } from '../../src/image/to-pixels.js';
import { blazeFaceDetector, type PixelImage, useBackend } from '../../src/index.js';
import { DRAWN } from './drawn-images.js';
import { ENGINES, faceModuleBytes, ROUNDED } from './engines.js';

const photo = async (name: string) => (await toPixels(`node_modules/@vladmandic/face-api/demo/${name}`)) as PixelImage;
const grey: PixelImage = { data: new Uint8Array(64 * 48).fill(127), width: 64, height: 48, channels: 1 };

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

  test('gives boxes and points in pixels of the picture, for any size and shape', async () => {
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

  test('finds no face on empty pictures of any size', async () => {
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

  test('starts no TF.js, and refuses to be used after it was disposed', async () => {
    const detector = blazeFaceDetector({ inputSize: 64 });
    for (let frame = 0; frame < 20; frame++) expect(await detector.detect(grey)).toEqual([]);
    expect(tf.engine().backendNames()).toEqual([]);
    detector.dispose();
    await expect(detector.detect(grey)).rejects.toMatchObject({ code: 'DISPOSED' });
  });

  test('answers in TypeScript where WebAssembly is missing or forbidden', async () => {
    const image = DRAWN['one face, 97x131, grey']();
    // The build without vectors, because the one with vectors rounds.
    const usual = blazeFaceDetector({ inputSize: 128, assets: { 'faces-scalar.wasm': faceModuleBytes('scalar') } });
    const [wanted] = await usual.detect(image);
    const ways = [
      () => vi.stubGlobal('WebAssembly', undefined),
      () =>
        vi.spyOn(WebAssembly, 'Module').mockImplementation(function forbidden() {
          throw new Error('Content Security Policy');
        }),
    ];
    for (const forbid of ways) {
      const detector = blazeFaceDetector({ inputSize: 128 });
      forbid();
      try {
        const [found] = await detector.detect(image);
        expect(Math.abs(found.box.x - wanted.box.x)).toBeLessThan(0.01);
        expect(Math.abs(found.score - wanted.score)).toBeLessThan(1e-4);
      } finally {
        vi.unstubAllGlobals();
        vi.restoreAllMocks();
      }
    }
  });

  test('accepts its WebAssembly as bytes or a module, and reports a missing one', async () => {
    const bytes = faceModuleBytes('scalar');
    for (const source of [bytes, await WebAssembly.compile(bytes), 'dist/wasm/faces-scalar.wasm']) {
      expect(await blazeFaceDetector({ inputSize: 64, assets: { 'faces-scalar.wasm': source } }).detect(grey)).toEqual(
        [],
      );
    }
    const lost = blazeFaceDetector({ assets: { 'faces-scalar.wasm': 'no/such/faces-scalar.wasm' } });
    await expect(lost.detect(grey)).rejects.toMatchObject({
      code: 'WASM_UNREACHABLE',
      message: expect.stringContaining('no/such/faces-scalar.wasm'),
    });
    const broken = blazeFaceDetector({ assets: { 'faces-scalar.wasm': new Uint8Array(8) } });
    await expect(broken.detect(grey)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
  });

  test("takes sizes by name: 'crowd' finds smaller faces than 'selfie'", async () => {
    // 40 of the picture's 801 pixels wide: 32 at 640, 6 at 128.
    const crowd = blazeFaceDetector({ inputSize: 'crowd' });
    const selfie = blazeFaceDetector({ inputSize: 'selfie' });
    const image = DRAWN['a small face, 801x600, RGB']();
    expect(await crowd.detect(image)).toHaveLength(1);
    expect(await selfie.detect(image)).toEqual([]);
    expect(await selfie.detect(DRAWN['one face, 97x131, grey']())).toHaveLength(1);
  });

  test('options out of range and missing weights give errors', async () => {
    for (const options of [
      { inputSize: 100 },
      { inputSize: 'crowded' as 'crowd' },
      { inputSize: 0 },
      { minScore: 0 },
      { minScore: 1 },
    ]) {
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

describe("the graph model that BlazeFace's weights are of", () => {
  const data = Uint8Array.from({ length: 256 * 256 * 3 }, (_, k) => 128 + 100 * Math.sin(k * 0.013));
  const names = ['Identity:0', 'Identity_2:0', 'Identity_1:0', 'Identity_3:0'];
  let expected: Float32Array[];
  beforeAll(async () => {
    await useBackend('wasm');
    const folder = 'node_modules/@vladmandic/human/models';
    const { modelTopology, weightsManifest } = JSON.parse(readFileSync(`${folder}/blazeface.json`, 'utf8'));
    const bytes = readFileSync(`${folder}/blazeface.bin`);
    const weightData = new Uint8Array(bytes).buffer;
    const model = await loadGraphModel(
      tf.io.fromMemory({ modelTopology, weightSpecs: weightsManifest[0].weights, weightData }),
    );
    const outputs = tf.tidy(
      () => model.execute(tf.sub(tf.div(tf.tensor4d(data, [1, 256, 256, 3]), 127.5), 1), names) as tf.Tensor[],
    );
    expected = outputs.map((tensor) => tensor.dataSync<'float32'>());
    tf.dispose(outputs);
    model.dispose();
  });

  test.each(ENGINES)('gives on TF.js what we give, %s', async (way, start) => {
    const engine = await start();
    engine.find({ data, width: 256, height: 256, channels: 3 }, { inputSize: 256, minScore: 0.5 });
    const [fine, coarse] = engine.anchors();
    const found = [fine.logits, fine.places, coarse.logits, coarse.places];
    for (const [k, values] of expected.entries()) {
      expect(values.length).toBe(found[k].length);
      const rounded = way === ROUNDED;
      // As scores, because large logits, which are rounded most, make no difference.
      const compared = (value: number) => (rounded && k % 2 === 0 ? 1 / (1 + Math.exp(-value)) : value);
      const worst = values.reduce(
        (most, value, i) => Math.max(most, Math.abs(compared(value) - compared(found[k][i]))),
        0,
      );
      expect(worst, names[k]).toBeLessThan(rounded && k % 2 === 1 ? 0.5 : 1e-3);
    }
    engine.dispose();
  });
});
