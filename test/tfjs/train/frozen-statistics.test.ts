import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, test } from 'vitest';
import { train, useBackend } from '../../../src/index.js';

beforeAll(() => useBackend('wasm'));

function model(): LayersModel {
  const base = sequential({
    layers: [
      layers.conv2d({ inputShape: [8, 8, 1], filters: 2, kernelSize: 3 }),
      layers.batchNormalization(),
      layers.flatten(),
    ],
  });
  return sequential({ layers: [base, layers.dense({ units: 2, activation: 'softmax' })] });
}

const faces = [0, 1, 0, 1].map((label, k) => ({
  image: { data: new Uint8Array(64).map((_, i) => (i * (k + 3)) % 256), width: 8, height: 8, channels: 1 as const },
  label,
}));

const baseOf = (model: LayersModel) => model.layers[0] as unknown as LayersModel;
const statisticsOf = (model: LayersModel) =>
  baseOf(model)
    .layers[1].getWeights()
    .slice(2)
    .map((weight) => Array.from(weight.dataSync()));

describe('batch normalisation', () => {
  test.each([1, 2])('that is frozen keeps its statistics, by %i threads', async (workers) => {
    const frozen = model();
    baseOf(frozen).layers[1].trainable = false;
    const before = statisticsOf(frozen);
    await train(frozen, faces, { epochs: 2, batchSize: 4, workers });
    expect(statisticsOf(frozen)).toEqual(before);
  });

  test('in a model that is frozen keeps them as well', async () => {
    const frozen = model();
    baseOf(frozen).trainable = false;
    const before = statisticsOf(frozen);
    await train(frozen, faces, { epochs: 2, batchSize: 4 });
    expect(statisticsOf(frozen)).toEqual(before);
  });

  test('that is trained moves them', async () => {
    const free = model();
    const before = statisticsOf(free);
    await train(free, faces, { epochs: 2, batchSize: 4 });
    expect(statisticsOf(free)).not.toEqual(before);
  });
});
