import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, loadLayersModel } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildModel, useBackend } from '../../../src/index.js';
import { fallbacks } from '../../../src/network/fallbacks.js';
import { readWeights } from '../../../src/network/weights-manifest.js';
import { loadModel, saveModel } from '../../../src/node.js';
import { fromFiles, type ModelFiles, toFiles } from '../../../src/tfjs/model/artifacts.js';
import { metadataOf, setMetadata } from '../../../src/tfjs/model/metadata.js';
import { loadPretrained } from '../../../src/weights.js';

beforeAll(() => useBackend('cpu'));

/** What `model.save` of TF.js writes. */
async function saved(model: LayersModel): Promise<tf.io.ModelArtifacts> {
  let written: tf.io.ModelArtifacts = {};
  const save = async (artifacts: tf.io.ModelArtifacts) => {
    written = artifacts;
    return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' as const } };
  };
  await model.save({ save });
  return written;
}

/** The same as files in a folder. */
function inFolder(artifacts: tf.io.ModelArtifacts): string {
  const folder = mkdtempSync(join(tmpdir(), 'fer-facts-'));
  const { weightData, weightSpecs, ...json } = artifacts;
  const weightsManifest = [{ paths: ['weights.bin'], weights: weightSpecs }];
  writeFileSync(join(folder, 'model.json'), JSON.stringify({ ...json, weightsManifest }));
  writeFileSync(join(folder, 'weights.bin'), Buffer.from(weightData as ArrayBuffer));
  return folder;
}

async function fitted(model: LayersModel): Promise<LayersModel> {
  // The last layer alone: convolutions take seconds on the cpu backend.
  for (const layer of model.layers.slice(0, -1)) layer.trainable = false;
  model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy' });
  await model.fit(tf.ones([4, 32, 32, 1]), tf.oneHot(tf.tensor1d([0, 1, 2, 3], 'int32'), 5), { epochs: 1 });
  return model;
}

describe('facts of a file', () => {
  test('are known of the model that came from it', async () => {
    const { sha256, metrics } = metadataOf(await loadPretrained());
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(metrics).toMatchObject({ accuracy: expect.any(Number) });
  });

  test('are not carried into what TF.js saves, which loads', async () => {
    const artifacts = await saved(await loadPretrained());
    expect(JSON.stringify(artifacts.userDefinedMetadata)).not.toMatch(/sha256|metrics|"version"/);
    expect(artifacts.userDefinedMetadata!['fer-dcnn']).toMatchObject({ normalization: expect.any(String) });
    const back = await loadModel(inFolder(artifacts));
    expect(back.countParams()).toBe(535_397);
    expect(metadataOf(back)).not.toHaveProperty('metrics');
  });

  test('are not carried into a save after fit', async () => {
    const model = await fitted(await loadPretrained());
    expect(toFiles(model).json.userDefinedMetadata!['fer-dcnn']).not.toHaveProperty('metrics');
    const folder = mkdtempSync(join(tmpdir(), 'fer-facts-'));
    await saveModel(model, folder);
    expect(readFileSync(join(folder, 'model.json'), 'utf8')).not.toContain('"metrics"');
    expect((await loadModel(folder)).countParams()).toBe(535_397);
  });

  test('are not believed of a file that TF.js has written from ours', async () => {
    const model = buildModel({ seed: 1 });
    setMetadata(model, { metrics: { accuracy: 1 } });
    const ours = toFiles(model, { quantize: 'uint8' });
    const { modelTopology, userDefinedMetadata, weightsManifest } = ours.json;
    const plain = await loadLayersModel(
      tf.io.fromMemory({
        ...{ modelTopology, userDefinedMetadata: userDefinedMetadata as never },
        ...{ weightSpecs: weightsManifest[0].weights, weightData: ours.binary.slice().buffer },
      }),
    );
    // TF.js stores float32, with the metadata of the file in 8 bits.
    const artifacts = await saved(await fitted(plain));
    expect(JSON.stringify(artifacts.userDefinedMetadata)).toMatch(/sha256/);
    expect(metadataOf(await loadModel(inFolder(artifacts)))).toEqual({});
  });

  test('are still checked of our own files', async () => {
    const files = toFiles(buildModel({ seed: 1 }));
    files.binary[100] ^= 1;
    await expect(fromFiles(files)).rejects.toMatchObject({ code: 'WEIGHTS_CORRUPT' });
  });
});

describe('weights in a file', () => {
  /** Of a file without a sha256, whose scale is damaged. */
  function damaged(change: (quantization: { scale?: number; min?: number }) => void): ModelFiles {
    const files = toFiles(buildModel({ seed: 1 }), { quantize: 'uint8' });
    files.json.generatedBy = 'TensorFlow.js tfjs-layers v4.22.0';
    change(files.json.weightsManifest[0].weights.find(({ quantization }) => quantization)!.quantization!);
    return files;
  }

  test.each<[string, (quantization: { scale?: number; min?: number }) => void]>([
    ['a scale of NaN', (q) => Object.assign(q, { scale: Number.NaN })],
    ['a scale as text', (q) => Object.assign(q, { scale: '0.1' })],
    ['no scale, but null', (q) => Object.assign(q, { scale: null })],
    ['an endless minimum', (q) => Object.assign(q, { min: Number.NEGATIVE_INFINITY })],
  ])('with %s are refused', async (_, change) => {
    const refused = { code: 'MODEL', message: 'model.json has no valid weightsManifest' };
    await expect(fromFiles(damaged(change))).rejects.toMatchObject(refused);
    const { json, binary } = damaged(change);
    await expect(readWeights(json, binary, fallbacks)).rejects.toMatchObject(refused);
  });

  test('that are NaN, or overflow by their scale, are refused by name', async () => {
    const files = toFiles(buildModel({ seed: 1 }));
    files.json.generatedBy = 'TensorFlow.js tfjs-layers v4.22.0';
    new DataView(files.binary.buffer).setFloat32(8, Number.NaN, true);
    const large = damaged((q) => Object.assign(q, { scale: 1e38 }));
    for (const { json, binary } of [files, large]) {
      const refused = { code: 'NOT_FINITE', message: expect.stringContaining('conv1/kernel') };
      await expect(fromFiles({ json, binary })).rejects.toMatchObject(refused);
      await expect(readWeights(json, binary, fallbacks)).rejects.toMatchObject(refused);
    }
  });

  test('are refused without a tensor left behind', async () => {
    const large = damaged((q) => Object.assign(q, { scale: 1e38 }));
    const before = tf.memory().numTensors;
    await expect(fromFiles(large)).rejects.toMatchObject({ code: 'NOT_FINITE' });
    expect(tf.memory().numTensors).toBe(before);
  });
});
