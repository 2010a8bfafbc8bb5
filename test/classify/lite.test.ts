import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { pixelKernels, usePixelKernels } from '../../src/image/pixel-kernels.js';
import type { Assets } from '../../src/index.js';
import * as main from '../../src/index.js';
import { classify, createClassifier, EMOTIONS, FerError, type PixelImage } from '../../src/lite.js';
import { BUILDS, moduleBytes } from '../network/modules.js';

const weights = new Uint8Array(readFileSync('weights/weights.bin'));
const folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-lite-'));

function picture(): PixelImage {
  const [width, height] = [60, 72];
  const data = Uint8Array.from(
    { length: width * height * 3 },
    (_, k) => 128 + 100 * Math.sin(k / 40) * Math.cos(k / 900),
  );
  return { data, width, height, channels: 3 };
}

/** WebAssembly on a page whose policy forbids it: its functions exist, but nothing can be compiled. */
function forbidden(): typeof WebAssembly {
  const refuse = () => {
    throw new WebAssembly.CompileError("violates the following Content Security Policy directive: script-src 'self'");
  };
  return {
    ...{ CompileError: WebAssembly.CompileError, validate: WebAssembly.validate },
    ...{ Module: refuse, compile: async () => refuse(), instantiate: async () => refuse() },
  } as unknown as typeof WebAssembly;
}

afterEach(() => {
  vi.unstubAllGlobals();
  usePixelKernels('kernels');
});

describe('fer-dcnn/lite', () => {
  test('gives the answers of the main entry for pixels, files, lists and boxes', async () => {
    const image = picture();
    const { data, ...raw } = image;
    const file = join(folder, 'face.png');
    await sharp(data, { raw }).png().toFile(file);
    const expected = await main.classify(image);
    expect(await classify(image)).toEqual(expected);
    expect(await classify(file)).toEqual(expected);
    // One face alone is computed with in 8 bits where the weights are stored so: the same numbers, added up otherwise.
    for (const list of await classify([image, file])) {
      list.forEach(({ className, probability }, i) => {
        expect(className).toBe(expected[i].className);
        expect(probability).toBeCloseTo(expected[i].probability, 5);
      });
    }
    expect(await classify(image, { topk: 2 })).toEqual(expected.slice(0, 2));
    const box = { x: 3, y: 4, width: 40, height: 50 };
    expect(await classify(image, { box })).toEqual(await main.classify(image, { box }));
    expect(EMOTIONS).toBe(main.EMOTIONS);
    expect(FerError).toBe(main.FerError);
  });

  test.each(BUILDS)('takes weights and %s as bytes, as a module and as paths', async (build) => {
    const expected = await classify(picture());
    const wasm = moduleBytes(build);
    const file = join(folder, 'copy.wasm');
    writeFileSync(file, wasm);
    vi.stubGlobal('fetch', undefined);
    for (const source of [wasm, wasm.buffer, await WebAssembly.compile(wasm), file]) {
      const classifier = createClassifier({ assets: { 'weights.bin': weights, [build]: source } });
      const list = await classifier.classify(picture());
      classifier.dispose();
      for (const { className, probability } of list) {
        expect(expected.find((other) => other.className === className)!.probability).toBeCloseTo(probability, 5);
      }
    }
    expect(await createClassifier({ assets: { 'weights.bin': 'weights/weights.bin' } }).classify(picture())).toEqual(
      expected,
    );
  });

  test('checks the weights where the platform has no sha256 of its own', async () => {
    vi.stubGlobal('crypto', undefined);
    expect(await createClassifier({ assets: { 'weights.bin': weights } }).classify(picture())).toEqual(
      await classify(picture()),
    );
    const damaged = weights.slice();
    damaged[1000] ^= 1;
    await expect(createClassifier({ assets: { 'weights.bin': damaged } }).load()).rejects.toMatchObject({
      code: 'WEIGHTS_CORRUPT',
    });
  });

  test('refuses weights and modules that are missing, cut short or damaged', async () => {
    const load = (assets: Assets) => createClassifier({ assets }).load();
    const damaged = weights.slice();
    damaged[99_999] ^= 1;
    await expect(load({ 'weights.bin': damaged })).rejects.toMatchObject({ code: 'WEIGHTS_CORRUPT' });
    await expect(load({ 'weights.bin': weights.subarray(1) })).rejects.toMatchObject({ code: 'WEIGHTS_CORRUPT' });
    await expect(load({ 'weights.bin': new Uint8Array(0) })).rejects.toMatchObject({ code: 'WEIGHTS_CORRUPT' });
    await expect(load({ 'weights.bin': './nowhere.bin' })).rejects.toMatchObject({
      code: 'WEIGHTS_UNREACHABLE',
      message: expect.stringContaining('nowhere.bin'),
    });
    await expect(load({ 'network-simd.wasm': './nowhere.wasm' })).rejects.toMatchObject({
      code: 'WASM_UNREACHABLE',
      message: expect.stringContaining('nowhere.wasm'),
    });
    await expect(load({ 'network-simd.wasm': moduleBytes(BUILDS[0]).slice(0, 500) })).rejects.toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
    });
    await expect(load({ 'network-simd.wasm': moduleBytes('training.wasm') })).rejects.toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
    });
  });

  test.each([
    ['missing', undefined],
    ['forbidden', forbidden()],
  ])('still answers where WebAssembly is %s, with any form of its binary', async (_, replacement) => {
    const expected = await classify([picture()]);
    const wasm = moduleBytes(BUILDS[0]);
    vi.stubGlobal('WebAssembly', replacement);
    usePixelKernels('kernels');
    const given = { 'weights.bin': weights };
    for (const assets of [
      {},
      given,
      { ...given, [BUILDS[0]]: wasm },
      { ...given, [BUILDS[0]]: `dist/wasm/${BUILDS[0]}` },
    ]) {
      const classifier = createClassifier({ assets });
      for (const list of await classifier.classify([picture(), picture()])) {
        expect(list.map(({ className }) => className)).toEqual(expected[0].map(({ className }) => className));
        list.forEach(({ probability }, i) => {
          expect(probability).toBeCloseTo(expected[0][i].probability, 5);
        });
      }
      classifier.dispose();
    }
    expect(pixelKernels()).toBeNull();
    const damaged = weights.slice();
    damaged[5] ^= 1;
    await expect(createClassifier({ assets: { 'weights.bin': damaged } }).load()).rejects.toMatchObject({
      code: 'WEIGHTS_CORRUPT',
    });
  });

  test('loads again after a failure, and refuses work after dispose', async () => {
    const file = join(folder, 'late.bin');
    const classifier = createClassifier({ assets: { 'weights.bin': file } });
    await expect(classifier.load()).rejects.toMatchObject({ code: 'WEIGHTS_UNREACHABLE' });
    writeFileSync(file, weights);
    expect(await classifier.classify(picture())).toHaveLength(5);
    classifier.dispose();
    classifier.dispose();
    await expect(classifier.classify(picture())).rejects.toMatchObject({ code: 'DISPOSED' });
  });

  test('refuses options that it does not know', async () => {
    expect(() => createClassifier({ normalization: 'none' as 'unit' })).toThrow(
      expect.objectContaining({ code: 'OPTION' }),
    );
    await expect(classify(picture(), { topk: 0 })).rejects.toMatchObject({ code: 'OPTION' });
  });
});
