import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { decodeAnchors } from '../../src/faces/decode-anchors.js';
import { type FaceEngine, OVERLAP } from '../../src/faces/face-engine.js';
import { mergeDetections } from '../../src/faces/merge-detections.js';
import { plainEngine } from '../../src/faces/plain-face-engine.js';
import { enlarge, reducedSize } from '../../src/faces/reduce.js';
import type { Detection } from '../../src/faces/types.js';
import { startWasmEngine } from '../../src/faces/wasm-face-engine.js';
import { toPixels } from '../../src/image/to-pixels.js';
import type { PixelImage } from '../../src/runtime.js';
import { noise } from '../golden-network.js';
import { leftOut, NIGHT, nightTest, rows } from '../night.js';
import { sharedPath } from '../shared.js';
import { DRAWN } from './drawn-images.js';
import { BUILDS, blazeWeights, ENGINES, faceModuleBytes, ROUNDED } from './engines.js';
import { flat, readGoldenFaces, sampled } from './golden-faces.js';

if (!NIGHT) leftOut('most of the 411 golden faces', '1');

const golden = readGoldenFaces();
const photos = sharedPath('photos');
const pixels = async (path: string) => (await toPixels(path)) as PixelImage;

/** Boxes and points to half a pixel, scores to 1e-3, in the same order. */
function expectFaces(found: Detection[], wanted: number[][], name: string): void {
  expect(found.length, name).toBe(wanted.length);
  for (const [index, face] of found.entries()) {
    const [score, ...place] = flat(face);
    expect(Math.abs(score - wanted[index][0]), `${name}: score`).toBeLessThan(1e-3);
    const worst = Math.max(...place.map((value, k) => Math.abs(value - wanted[index][k + 1])));
    expect(worst, `${name}: pixels`).toBeLessThan(0.5);
  }
}

function worstOf(found: number[], wanted: number[]): number {
  expect(found.length).toBe(wanted.length);
  return Math.max(...found.map((value, k) => Math.abs(value - wanted[k])));
}

const scoresOf = (logits: number[]) => logits.map((logit) => 1 / (1 + Math.exp(-logit)));

describe.each(ENGINES)('BlazeFace, %s', (way, start) => {
  let engine: FaceEngine;
  beforeAll(async () => {
    engine = await start();
  });
  afterAll(() => engine.dispose());

  // TypeScript takes a second per picture, the scalar build a fifth.
  const all = way !== 'plain' && (NIGHT || way !== 'scalar');

  test("gives TF.js's logits, places and faces on drawn pictures and noise of any size", () => {
    // By day, TypeScript is tried on a face and on the smallest picture.
    const every = NIGHT ? 3 : way === 'plain' ? 14 : 7;
    for (const [name, wanted] of Object.entries(golden.drawn).filter((_, index) => all || index % every === 0)) {
      const faces = engine.find(DRAWN[name](), { inputSize: 256, minScore: 0.5 });
      const { logits, places } = sampled(engine.anchors());
      if (way === ROUNDED) {
        expect(worstOf(scoresOf(logits), scoresOf(wanted.logits)), `${name}: scores`).toBeLessThan(1e-3);
        expect(worstOf(places, wanted.places), `${name}: places`).toBeLessThan(0.5);
      } else {
        // Logits of noise reach -600, of which 1e-3 is some digits of a float.
        expect(worstOf(logits, wanted.logits), `${name}: logits`).toBeLessThan(1e-2);
        expect(worstOf(places, wanted.places), `${name}: places`).toBeLessThan(1e-2);
      }
      expectFaces(faces, wanted.faces, name);
    }
  });

  // By day, TypeScript is tried on small photos alone.
  const onPhotos = way === 'plain' ? nightTest : test;
  onPhotos("gives TF.js's faces on photos", async () => {
    for (const [name, wanted] of Object.entries(golden.demo).filter((_, index) => all || index === 0)) {
      const image = await pixels(`node_modules/@vladmandic/face-api/demo/${name}`);
      expectFaces(engine.find(image, { inputSize: 320, minScore: 0.5 }), wanted, name);
    }
  });

  test.skipIf(photos === null)("gives TF.js's faces on small photos", async () => {
    const every = NIGHT ? ({ plain: 50, scalar: 20 }[way] ?? 1) : ({ plain: 200, scalar: 50 }[way] ?? 10);
    const list = Object.entries(golden.valid).filter((_, index) => index % every === 0);
    for (const [path, wanted] of list) {
      expectFaces(
        engine.find(await pixels(join(photos!, '..', path)), { inputSize: 128, minScore: 0.5 }),
        wanted,
        path,
      );
    }
    expect(list.flatMap(([, faces]) => faces).length).toBeGreaterThanOrEqual(300 / every);
  });

  test('finds the same faces in a part of a picture as in a picture of that part', () => {
    const image = DRAWN['two faces, 801x377, RGB']();
    const part = { x: 420, y: 40, width: 300, height: 300 };
    const data = new Uint8Array(300 * 300 * 3);
    for (let y = 0; y < 300; y++) {
      const from = ((y + part.y) * image.width + part.x) * 3;
      data.set(image.data.subarray(from, from + 900), y * 900);
    }
    const alone = engine.find({ data, width: 300, height: 300, channels: 3 }, { inputSize: 128, minScore: 0.5 });
    const found = engine.find(image, { inputSize: 128, minScore: 0.5, part });
    expect(found).toHaveLength(1);
    const moved = alone.map((face) =>
      flat(face).map((value, k) => (k === 0 || k === 3 || k === 4 ? value : value + (k % 2 === 1 ? part.x : part.y))),
    );
    // The filters reach over the part's edges, where the picture goes on and the copy is continued.
    expectFaces(found, moved, 'part');
  });

  test('accepts a part that is half outside the picture, or between its pixels', () => {
    const image = DRAWN['one face, 97x131, grey']();
    const found = engine.find(image, {
      inputSize: 128,
      minScore: 0.5,
      part: { x: -20.5, y: 0.25, width: 140.5, height: 140 },
    });
    const [[score, x, y]] = golden.drawn['one face, 97x131, grey'].faces;
    expect(found).toHaveLength(1);
    expect(Math.abs(found[0].box.x - x)).toBeLessThan(10);
    expect(Math.abs(found[0].box.y - y)).toBeLessThan(10);
    expect(Math.abs(found[0].score - score)).toBeLessThan(0.3);
  });

  test('does not change the pixels, and gives the same answer again after other pictures', () => {
    const image = DRAWN['a face half seen through, 320x240, RGBA']();
    const before = image.data.slice();
    const first = engine.find(image, { inputSize: 128, minScore: 0.3 });
    expect(first).toHaveLength(1);
    for (const [width, height] of all
      ? [
          [64, 640],
          [1, 1],
          [500, 30],
        ]
      : [[1, 1]]) {
      const data = Uint8Array.from(noise(width * height * 3, width), (value) => 256 * value);
      engine.find({ data, width, height, channels: 3 }, { inputSize: 96, minScore: 0.5 });
    }
    expect(engine.find(image, { inputSize: 128, minScore: 0.3 })).toEqual(first);
    expect(image.data).toEqual(before);
  });

  test('reports every anchor as a face when any score is enough, and stays finite', () => {
    const image = DRAWN['2x3, grey']();
    const found = engine.find(image, { inputSize: 64, minScore: Number.MIN_VALUE });
    expect(found.length).toBeGreaterThan(0);
    expect(found.flatMap(flat).every(Number.isFinite)).toBe(true);
    const scores = found.map(({ score }) => score);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
  });
});

describe('BlazeFace', () => {
  test.each(rows(BUILDS, 1))('%s and TypeScript merge the same anchors to the same faces', async (build) => {
    const module = await WebAssembly.compile(faceModuleBytes(build));
    const engine = await startWasmEngine(module, blazeWeights);
    const plain = plainEngine(blazeWeights);
    for (const name of ['two faces, 801x377, RGB', 'noise, 101x77, grey']) {
      const options = { inputSize: 96, minScore: 1e-3 };
      const image = DRAWN[name]();
      const found = engine.find(image, options);
      const { scale } = reducedSize(image, options.inputSize);
      const merged = mergeDetections(decodeAnchors(engine.anchors(), options.minScore), OVERLAP);
      expectFaces(found, enlarge(merged, scale, image).map(flat), name);
      // Rounding moves many anchors over a minimum as low as this.
      if (build !== ROUNDED) expectFaces(found, plain.find(image, options).map(flat), name);
    }
  });

  test.each(BUILDS)('%s keeps its memory over frames of all sizes', async (build) => {
    const instantiate = vi.spyOn(WebAssembly, 'instantiate');
    const engine = await startWasmEngine(await WebAssembly.compile(faceModuleBytes(build)), blazeWeights);
    const { exports } = (await instantiate.mock.results[0].value) as WebAssembly.Instance;
    instantiate.mockRestore();
    const memory = exports.memory as WebAssembly.Memory;
    const frames = (
      [
        [640, 480, 4],
        [480, 640, 3],
        [99, 1000, 1],
      ] as const
    ).map(
      ([width, height, channels]): PixelImage => ({
        data: new Uint8Array(width * height * channels).fill(120),
        width,
        height,
        channels,
      }),
    );
    const round = () => frames.map((frame) => engine.find(frame, { inputSize: 64, minScore: 0.5 }));
    round();
    const { byteLength } = memory.buffer;
    for (let k = 0; k < (NIGHT ? 100 : 20); k++) expect(round().flat()).toEqual([]);
    expect(memory.buffer.byteLength).toBe(byteLength);
    expect(byteLength).toBeLessThan(12e6);
  });

  test('refuses wrong weights, wrong modules, and use after dispose', async () => {
    const module = await WebAssembly.compile(faceModuleBytes('scalar'));
    await expect(startWasmEngine(module, blazeWeights.subarray(2))).rejects.toMatchObject({ code: 'WEIGHTS_CORRUPT' });
    expect(() => plainEngine(new Uint8Array(3))).toThrow(expect.objectContaining({ code: 'WEIGHTS_CORRUPT' }));
    const empty = await WebAssembly.compile(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0));
    await expect(startWasmEngine(empty, blazeWeights)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
    for (const engine of [plainEngine(blazeWeights), await startWasmEngine(module, blazeWeights)]) {
      engine.dispose();
      expect(() => engine.find(DRAWN['1x1, RGB'](), { inputSize: 64, minScore: 0.5 })).toThrow(
        expect.objectContaining({ code: 'DISPOSED' }),
      );
    }
  });
});
