import * as tf from '@tensorflow/tfjs-core';
import { loadLayersModel } from '@tensorflow/tfjs-layers';
import { describe, expect, test } from 'vitest';
import { buildModel } from '../../src/index.js';
import { fromFiles, toFiles } from '../../src/model/artifacts.js';
import { metadataOf, setMetadata } from '../../src/model/metadata.js';
import type { ModelJson } from '../../src/model/weights-manifest.js';

const faces = () => tf.randomUniform([3, 32, 32, 1], 0, 1, 'float32', 5);
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
