import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { noise, readGolden } from '../golden-network.js';
import { sharedPath } from '../shared.js';
import { engines } from './engines.js';
import { type PackagePage, packagePage } from './engines-page.js';
import { expectClose, prepareSite } from './site.js';

const { folder } = inject('consumer');
const goldenFile = sharedPath('golden/network.json');

declare const fer: typeof import('../../src/standalone.js');
declare const lite: typeof import('../../src/lite.js');

let inNode: Record<string, number[]>;
let face: { width: number; height: number };
let golden: { shapes: number[][]; batch: number; probabilities: number[] } | null;

beforeAll(async () => {
  inNode = await prepareSite(folder);
  const { data, info } = await sharp(join(folder, 'face.png')).raw().toBuffer({ resolveWithObject: true });
  writeFileSync(join(folder, 'face.bin'), data);
  face = info;
  golden = goldenFile === null ? null : writeGolden(goldenFile);
});

describe.each(engines)('the packed package in %s', (engine) => {
  let page: PackagePage;

  beforeAll(async () => {
    page = await packagePage(engine);
  });

  test('gives for the same pixels what Node gives, from fer-dcnn/lite and on each backend of the main entry', async () => {
    const lists = await page.evaluate(
      async (width: number, height: number) => {
        const levels = new Uint8Array(await (await fetch('face.bin')).arrayBuffer());
        const face = { data: levels, width, height, channels: 3 as const };
        const listOf = (list: { className: string; probability: number }[]) =>
          lite.EMOTIONS.map((name) => list.find(({ className }) => className === name)!.probability);
        const found = [listOf(await lite.classify(face)), listOf(await fer.classify(face))];
        for (const backend of ['simd', 'wasm', 'cpu']) {
          await fer.useBackend(backend);
          found.push(listOf(await fer.classify(face)));
        }
        return found;
      },
      face.width,
      face.height,
    );
    expect(lists).toHaveLength(5);
    for (const list of lists) expectClose(list, inNode['face.png'], 1e-5);
  });

  test.skipIf(goldenFile === null)('gives the golden probabilities on wasm and on cpu', async () => {
    const { shapes, batch, probabilities } = golden!;
    const lists = await page.evaluate(
      async (shapes: number[][], batch: number) => {
        const numbers = new Float32Array(await (await fetch('golden.bin')).arrayBuffer());
        const found: number[][] = [];
        for (const backend of ['wasm', 'cpu']) {
          await fer.useBackend(backend);
          const model = fer.buildModel();
          let at = 0;
          const tensors = shapes.map((shape) => {
            const from = at;
            at += shape.reduce((a, b) => a * b);
            return fer.tf.tensor(numbers.subarray(from, at), shape);
          });
          model.setWeights(tensors);
          const inputs = fer.tf.tensor4d(numbers.subarray(at), [batch, 32, 32, 1]);
          found.push(Array.from(await (model.predict(inputs) as import('@tensorflow/tfjs-core').Tensor).data()));
          fer.tf.dispose([tensors, inputs]);
          model.dispose();
        }
        return found;
      },
      shapes,
      batch,
    );
    expect(lists).toHaveLength(2);
    for (const list of lists) expectClose(list, probabilities, 1e-4);
  });

  test('logs no error, and sends no request to another machine', async () => {
    expect(await page.errors()).toEqual([]);
    const asked = await page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name));
    expect(asked.filter((url) => !url.startsWith(page.address) && !url.startsWith('data:'))).toEqual([]);
    expect(asked.some((url) => url.endsWith('.wasm'))).toBe(true);
  });
});

/** Writes the weights and the inputs of the first golden case, for the pages. */
function writeGolden(file: string) {
  const { parameters, cases } = readGolden(file);
  const [{ seed, batch, probabilities }] = cases;
  const values = parameters.map(({ shape, amplitude }, i) =>
    Float32Array.from(
      noise(
        shape.reduce((a, b) => a * b),
        i + 1 + 10 * seed,
      ),
      (value) => amplitude * (2 * value - 1),
    ),
  );
  values.push(Float32Array.from(noise(batch * 1024, 100 + seed)));
  writeFileSync(join(folder, 'golden.bin'), Buffer.concat(values.map(({ buffer }) => Buffer.from(buffer))));
  return { shapes: parameters.map(({ shape }) => shape), batch, probabilities: probabilities.flat() };
}
