import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { EMOTIONS, type PixelImage, type Sample, useBackend } from '../../src/index.js';
import { registerTrainingKernels } from '../../src/kernels.js';
import { toFiles } from '../../src/tfjs/model/artifacts.js';
import { randomStream } from '../../src/tfjs/train/random.js';
import { POLISHED, VIEWED } from '../../weights/settings.js';
import { trainWeights } from '../../weights/train-weights.js';
import type { Faces } from '../../weights/training-faces.js';
import { bundled } from '../bundled.js';
import { nightTest } from '../night.js';

const VIEWS = 3;

/** Grey pictures that differ by class, with some noise. */
function pictures(count: number, purpose: number): Faces['train'] {
  const random = randomStream(purpose);
  return Array.from({ length: count }, (_, i) => {
    const label = i % EMOTIONS.length;
    const level = (x: number, y: number) => 128 + 60 * Math.sin((x * (label + 1) + y) / 4) + 40 * (random() - 0.5);
    const data = Uint8Array.from({ length: 48 * 48 }, (_, at) => Math.round(level(at % 48, Math.floor(at / 48))));
    const image: PixelImage = { data, width: 48, height: 48, channels: 1 };
    return { image, label, file: `${purpose}-${i}` };
  });
}

/** Weights of a short training, as they are stored. */
async function weightsOf(count: number, epochs: number, seed: number): Promise<Uint8Array> {
  const train = pictures(count, 1);
  const tune = (purpose: number): Sample[] => pictures(10, purpose);
  const views = train.map(({ label }) =>
    Array.from({ length: VIEWS }, () => Float32Array.from(EMOTIONS, (_, c) => (c === label ? 0.8 : 0.05))),
  );
  const { model } = await trainWeights({
    faces: { train, tune: { ferplus: tune(2), photos: tune(3), web: tune(4) } },
    views,
    viewed: { ...VIEWED, seed, epochs },
    polished: { ...POLISHED, seed, epochs },
    start: null,
    checkpoints: mkdtempSync(join(tmpdir(), 'fer-dcnn-weights-')),
  });
  const { binary } = toFiles(model, { quantize: 'uint8', quantizeStep: 0.2 });
  model.dispose();
  return binary;
}

describe('the recipe of the weights', () => {
  beforeAll(async () => {
    await useBackend('wasm');
    await registerTrainingKernels();
  });

  test('gives the same bytes with the same seed', async () => {
    expect(Buffer.compare(await weightsOf(20, 1, 1), await weightsOf(20, 1, 1))).toBe(0);
  });

  nightTest(
    'gives the same bytes after many steps too, and others with another seed',
    { timeout: 300_000 },
    async () => {
      const first = await weightsOf(1500, 2, 1);
      expect(Buffer.compare(first, await weightsOf(1500, 2, 1))).toBe(0);
      expect(Buffer.compare(first, await weightsOf(1500, 2, 2))).not.toBe(0);
    },
  );

  test('names all missing files before it begins', () => {
    const empty = mkdtempSync(join(tmpdir(), 'fer-dcnn-weights-'));
    const args = [bundled('weights/recipe.ts'), join(empty, 'a'), join(empty, 'b'), join(empty, 'c')];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect(stderr).toContain(join(empty, 'a', 'train'));
    expect(stderr).toContain(join(empty, 'a', 'valid'));
    expect(stderr).toContain(join(empty, 'b', 'train'));
    expect(stderr).toContain(join(empty, 'c'));
    expect(status).toBe(2);
  });

  nightTest('never replaces the shipped weights by those of a trial', () => {
    const args = ['--import', 'tsx', 'weights/recipe.ts', '--seed', '2'];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect(stderr).toContain('--out');
    expect(status).toBe(2);
  });
});
