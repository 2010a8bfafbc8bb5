import { brotliCompressSync, constants } from 'node:zlib';
import * as tf from '@tensorflow/tfjs-core';
import { loadLayersModel } from '@tensorflow/tfjs-layers';
import { describe, expect, test } from 'vitest';
import { buildModel } from '../../../src/index.js';
import type { ModelJson } from '../../../src/network/weights-manifest.js';
import { fromFiles, type ToFilesOptions, toFiles } from '../../../src/tfjs/model/artifacts.js';
import { metadataOf, setMetadata } from '../../../src/tfjs/model/metadata.js';

const faces = () => tf.randomUniform([3, 32, 32, 1], 0, 1, 'float32', 5);
const compressed = (bytes: Uint8Array) =>
  brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }).length;
const outputs = (model: ReturnType<typeof buildModel>) => (model.predict(faces()) as tf.Tensor).arraySync();

describe('model files', () => {
  test('give back the same model, metadata included', async () => {
    const model = buildModel({ seed: 1 });
    setMetadata(model, { normalization: 'standardize' });
    const files = toFiles(model);
    const back = await fromFiles(files);
    expect(outputs(back as typeof model)).toEqual(outputs(model));
    expect(metadataOf(back)).toEqual({ normalization: 'standardize', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(metadataOf(model)).toEqual({ normalization: 'standardize' });
  });

  test('of 8 bits a weight are under 560 KB, and plain TF.js opens them', async () => {
    const model = buildModel({ seed: 1 });
    const { json, binary } = toFiles(model, { quantize: 'uint8' });
    expect(binary.length + JSON.stringify(json).length).toBeLessThan(560_000);

    const plain = await loadLayersModel(
      tf.io.fromMemory({
        modelTopology: json.modelTopology,
        weightSpecs: json.weightsManifest[0].weights,
        weightData: binary.slice().buffer,
      }),
    );
    const ours = await fromFiles({ json, binary });
    expect(outputs(plain as typeof model)).toEqual(outputs(ours as typeof model));
  });

  test('with a coarser step compress better, keep their length, and plain TF.js reads the same values', async () => {
    const model = buildModel({ seed: 1 });
    const fine = toFiles(model, { quantize: 'uint8' });
    const coarse = toFiles(model, { quantize: 'uint8', quantizeStep: 0.2 });
    expect(coarse.binary.length).toBe(fine.binary.length);
    expect(compressed(coarse.binary)).toBeLessThan(0.75 * compressed(fine.binary));

    const weights = coarse.json.weightsManifest[0].weights;
    const kernel = weights.find(({ name }) => name === 'dense1/kernel')!;
    const { mean, variance } = tf.moments(model.getLayer('dense1').getWeights()[0]);
    expect(mean.dataSync()[0]).toBeCloseTo(0, 3);
    expect(kernel.quantization!.scale).toBeCloseTo(0.2 * Math.sqrt(variance.dataSync()[0]), 6);
    const smaller = ({ name }: { name: string }) => name !== 'dense1/kernel';
    expect(weights.filter(smaller)).toEqual(fine.json.weightsManifest[0].weights.filter(smaller));

    const { modelTopology } = coarse.json;
    const plain = await loadLayersModel(
      tf.io.fromMemory({ modelTopology, weightSpecs: weights, weightData: coarse.binary.slice().buffer }),
    );
    expect(outputs(plain as typeof model)).toEqual(outputs((await fromFiles(coarse)) as typeof model));
  });

  test.each([
    [{ quantizeStep: 0.2 }],
    [{ quantize: 'uint16', quantizeStep: 0.2 }],
    [{ quantize: 'uint8', quantizeStep: -1 }],
    [{ quantize: 'uint8', quantizeStep: Number.NaN }],
    [{ quantize: 'uint8', quantizeStep: 1.5 }],
  ] as [ToFilesOptions][])('are not written with %o', (options) => {
    expect(() => toFiles(buildModel({ seed: 1 }), options)).toThrow(expect.objectContaining({ code: 'OPTION' }));
  });

  test('with one bit changed are refused', async () => {
    const { json, binary } = toFiles(buildModel({ seed: 1 }), { quantize: 'uint8' });
    const damaged = binary.slice();
    damaged[1000] ^= 1;
    await expect(fromFiles({ json, binary: damaged })).rejects.toMatchObject({
      code: 'WEIGHTS_CORRUPT',
      message: expect.stringContaining('sha256'),
    });
    await expect(fromFiles({ json, binary: binary.subarray(1) })).rejects.toMatchObject({ code: 'WEIGHTS_CORRUPT' });
  });

  test.each([
    ['null', null],
    ['another format', { format: 'graph-model', modelTopology: {} }],
    ['no manifest', { format: 'layers-model', modelTopology: {} }],
    [
      'a broken manifest',
      { format: 'layers-model', modelTopology: {}, weightsManifest: [{ paths: [], weights: [{}] }] },
    ],
    ['an empty topology', { format: 'layers-model', modelTopology: {}, weightsManifest: [] }],
  ])('that are %s are refused', async (_, json) => {
    await expect(fromFiles({ json: json as unknown as ModelJson, binary: new Uint8Array() })).rejects.toMatchObject({
      name: 'FerError',
      code: 'MODEL',
    });
  });
});
