import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, test } from 'vitest';
import { startBackend } from '../../src/classify/use-backend.js';
import { toInput } from '../../src/image/to-input.js';
import { buildModel, EMOTIONS, useBackend } from '../../src/index.js';
import { fallbacks } from '../../src/network/fallbacks.js';
import { type Network, startNetwork } from '../../src/network/network.js';
import { pretrainedNetwork } from '../../src/network/pretrained-network.js';
import type { Weight } from '../../src/network/weight.js';
import { WEIGHT_SIZES } from '../../src/network/weight-sizes.js';
import { loadPretrained, pretrained } from '../../src/weights.js';
import fc from '../fast-check.js';
import { goldenInputs, noise, readGolden, setGoldenWeights, signedNoise } from '../golden-network.js';
import { leftOut, NIGHT, runs } from '../night.js';
import { sharedPath } from '../shared.js';
import { BUILDS, moduleBytes } from './modules.js';

if (!NIGHT) leftOut('390 of 400 faces that TF.js says the same of', '1');

const goldenFile = sharedPath('golden/network.json');
const golden = goldenFile ? readGolden(goldenFile) : { parameters: [], cases: [] };
const valid = sharedPath('ferplus/valid');
/** All 3,421 take some minutes on `cpu`: FER_FACES=3421. */
const faceCount = Number(process.env.FER_FACES ?? (NIGHT ? 400 : 10));

beforeAll(() => useBackend('cpu'));

/** Every build is given the same networks: TF.js computes each once. */
const byTfjs = new Map<string, { weights: Float32Array[]; inputs: Float32Array; probabilities: Float32Array }>();

function ofTfjs(seed: number, scale: number, n: number) {
  const key = [seed, scale, n].join();
  let known = byTfjs.get(key);
  if (known === undefined) {
    const model = buildModel();
    setWeights(model, seed, scale);
    const inputs = Float32Array.from(noise(n * 1024, seed), (value) => 4 * value - 2);
    const expected = tf.tidy(() => model.predict(tf.tensor4d(inputs, [n, 32, 32, 1])) as tf.Tensor);
    known = { weights: weightsOf(model), inputs, probabilities: expected.dataSync<'float32'>() };
    byTfjs.set(key, known);
    expected.dispose();
    model.dispose();
  }
  return known;
}

describe.each([...BUILDS, 'plain TypeScript' as const])('the network by %s', (build) => {
  let module: WebAssembly.Module | null;
  let network: Network;
  beforeAll(async () => {
    module = build === 'plain TypeScript' ? null : await WebAssembly.compile(moduleBytes(build));
    network = await startNetwork(module, fallbacks);
  });

  test.skipIf(goldenFile === null).each(golden.cases)(
    'gives the golden probabilities of seed $seed',
    async (expected) => {
      const model = buildModel();
      setGoldenWeights(model, golden, expected.seed);
      network.setWeights(weightsOf(model));
      const inputs = goldenInputs(expected.batch, expected.seed).dataSync<'float32'>();
      expect(difference(await network.predict(inputs, expected.batch), expected.probabilities.flat())).toBeLessThan(
        1e-4,
      );
      model.dispose();
    },
  );

  test('gives the same as TF.js cpu, for any weights and inputs', async () => {
    const cases = fc.record({
      seed: fc.nat(1e6),
      scale: fc.double({ min: 0.1, max: 3, noNaN: true }),
      n: fc.integer({ min: 1, max: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ seed, scale, n }) => {
        const { weights, inputs, probabilities } = ofTfjs(seed, scale, n);
        network.setWeights(weights);
        expect(difference(await network.predict(inputs, n), probabilities)).toBeLessThan(1e-4);
      }),
      { numRuns: runs(20) },
    );
  });

  test('gives each face of a batch the same as the face alone, to the last bit', async () => {
    const n = module === null ? 30 : 130;
    const inputs = new Float32Array(noise(n * 1024, 5));
    const together = await network.predict(inputs, n);
    for (let i = 0; i < n; i++) {
      const alone = await network.predict(inputs.subarray(i * 1024, (i + 1) * 1024), 1);
      expect(Array.from(together.subarray(i * 5, i * 5 + 5))).toEqual(Array.from(alone));
    }
    expect(await network.predict(new Float32Array(0), 0)).toHaveLength(0);
  });

  test('answers one face before a large batch that was requested earlier', async () => {
    const order: string[] = [];
    const count = module === null ? 100 : 1000;
    const inputs = new Float32Array(count * 1024);
    await Promise.all([
      network.predict(inputs, count).then(() => order.push('batch')),
      new Promise((resolve) => setTimeout(resolve)).then(async () => {
        await network.predict(inputs.subarray(0, 1024), 1);
        order.push('face');
      }),
    ]);
    expect(order).toEqual(['face', 'batch']);
  });

  test('reports NaN as NaN, not as an emotion', async () => {
    const inputs = new Float32Array(1024).fill(Number.NaN);
    expect(Array.from(await network.predict(inputs, 1)).every(Number.isNaN)).toBe(true);
    // Nothing of it stays for the next face.
    expect(Array.from(await network.predict(new Float32Array(1024), 1)).every(Number.isFinite)).toBe(true);
  });

  test('is gone after dispose', async () => {
    const gone = await startNetwork(module, fallbacks);
    const pending = gone.predict(new Float32Array(1024 * 200), 200);
    gone.dispose();
    await expect(pending).rejects.toMatchObject({ code: 'DISPOSED' });
    await expect(gone.predict(new Float32Array(1024), 1)).rejects.toMatchObject({ code: 'DISPOSED' });
    expect(() => gone.setWeights([])).toThrow(expect.objectContaining({ code: 'DISPOSED' }));
  });

  test('computes one face from 8-bit codes as from the floats they stand for, for any grid', async () => {
    const model = buildModel();
    setWeights(model, 3, 1);
    const weights = weightsOf(model);
    const coded = await startNetwork(module, fallbacks);
    const grid = fc.record({
      scale: fc.double({ min: 1e-4, max: 0.02, noNaN: true }),
      // From all negative through both signs, evenly or not, to all positive.
      shift: fc.integer({ min: -400, max: 150 }),
      off: fc.constantFrom(0, 0.37),
      seed: fc.nat(1e6),
    });
    await fc.assert(
      fc.asyncProperty(grid, async ({ scale, shift, off, seed }) => {
        const min = scale * (shift + off);
        const levels = noise(2048 * 256, seed);
        const codes = new Uint8Array(levels.length);
        for (let i = 0; i < codes.length; i++) codes[i] = Math.round(255 * levels[i]);
        weights[4] = new Float32Array(codes.length);
        for (let i = 0; i < codes.length; i++) weights[4][i] = codes[i] * scale + min;
        network.setWeights(weights);
        const stored: Weight[] = [...weights];
        stored[4] = { codes, scale, min };
        coded.setWeights(stored);
        const inputs = Float32Array.from(noise(2 * 1024, seed), (value) => 4 * value - 2);
        const alone = [];
        for (const face of [0, 1]) {
          alone.push(await coded.predict(inputs.subarray(1024 * face, 1024 * (face + 1)), 1));
        }
        const floats = await network.predict(inputs, 2);
        expect(Array.from(await coded.predict(inputs, 2))).toEqual(Array.from(floats));
        for (const face of [0, 1]) {
          expect(difference(alone[face], floats.subarray(5 * face, 5 * (face + 1)))).toBeLessThan(1e-4);
        }
      }),
      { numRuns: runs(20) },
    );
    // Floats take the codes back.
    coded.setWeights(weightsOf(model));
    network.setWeights(weightsOf(model));
    const one = Float32Array.from(noise(1024, 8));
    expect(Array.from(await coded.predict(one, 1))).toEqual(Array.from(await network.predict(one, 1)));
    coded.dispose();
    model.dispose();
  });

  test.skipIf(valid === null)(`says of ${faceCount} faces what TF.js cpu says`, { timeout: 1_200_000 }, async () => {
    const own = await pretrainedNetwork(module, fallbacks);
    for (const { inputs, wanted } of await facesOnce()) {
      const actual = await own.predict(inputs, inputs.length / 1024);
      // A top class may differ only where two are nearer to each other than that.
      expect(difference(actual, wanted)).toBeLessThan(1e-4);
      const alone = new Float32Array(actual.length);
      for (let face = 0; face < inputs.length / 1024; face++) {
        alone.set(await own.predict(inputs.subarray(1024 * face, 1024 * (face + 1)), 1), 5 * face);
      }
      expect(difference(alone, actual)).toBeLessThan(1e-5);
      for (let i = 0; i < wanted.length; i += 5) {
        const [a, b] = [actual.subarray(i, i + 5), wanted.subarray(i, i + 5)];
        expect(b[b.indexOf(Math.max(...b))] - b[a.indexOf(Math.max(...a))]).toBeLessThan(1e-4);
      }
    }
  });
});

let faces: ReturnType<typeof readFaces> | undefined;
/** Faces, 50 at a time, and what TF.js says of them; read and computed once for all builds. */
function facesOnce() {
  faces ??= readFaces();
  return faces;
}

async function readFaces() {
  const model = await loadPretrained();
  await startBackend('cpu');
  const files = EMOTIONS.flatMap((name) => readdirSync(join(valid!, name)).map((file) => join(valid!, name, file)));
  const every = files.filter((_, i) => i % Math.ceil(files.length / faceCount) === 0);
  const batches: { inputs: Float32Array; wanted: Float32Array }[] = [];
  for (let first = 0; first < every.length; first += 50) {
    const batch = every.slice(first, first + 50);
    const inputs = await toInput(batch, { normalization: pretrained.normalization });
    const expected = tf.tidy(() => model.predict(tf.tensor4d(inputs, [batch.length, 32, 32, 1])) as tf.Tensor);
    batches.push({ inputs, wanted: expected.dataSync<'float32'>() });
    expected.dispose();
  }
  model.dispose();
  return batches;
}

test('a WebAssembly module of another program is refused', async () => {
  const other = await WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
  await expect(startNetwork(other, fallbacks)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
});

test('its weights have the sizes of those of buildModel()', () => {
  expect(weightsOf(buildModel()).map((values) => values.length)).toEqual(WEIGHT_SIZES);
});

function weightsOf(model: LayersModel): Float32Array[] {
  return model.getWeights().map((tensor) => tensor.dataSync<'float32'>());
}

/** Weights about as large as trained ones, times `scale`. */
function setWeights(model: LayersModel, seed: number, scale: number): void {
  const values = model.getWeights().map(({ shape, size }, i) => {
    const amplitude = scale * (shape.length > 1 ? Math.sqrt(3 / (size / shape[shape.length - 1])) : 0.1);
    return tf.tensor(signedNoise(size, seed + i, amplitude), shape);
  });
  model.setWeights(values);
  tf.dispose(values);
}

/** The largest; NaN where there is one. */
function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual).toHaveLength(expected.length);
  return Math.max(...Array.from(actual, (value, i) => Math.abs(value - expected[i])));
}
