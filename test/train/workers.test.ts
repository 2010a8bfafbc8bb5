import { existsSync } from 'node:fs';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildModel, type PixelImage, type Sample, type TrainOptions, train, useBackend } from '../../src/index.js';
import { randomStream } from '../../src/train/random.js';

const built = existsSync('dist/node/gradient-worker.js');
if (!built) console.warn('\n  !! SKIPPED: train with workers runs the built worker; `npm run build` first.\n');

function faces(count: number): Sample[] {
  const random = randomStream(9);
  return Array.from({ length: count }, (_, i) => {
    const data = Uint8Array.from(
      { length: 48 * 48 },
      (_, k) => 80 * random() + (Math.floor(k / 480) === i % 5 ? 150 : 0),
    );
    return { image: { data, width: 48, height: 48, channels: 1 } as PixelImage, label: i % 5 };
  });
}

const options: TrainOptions = { epochs: 2, batchSize: 10, seed: 3, augment: { flip: true, rotation: 10 }, ema: 0.9 };

describe.skipIf(!built)('train with workers', () => {
  beforeAll(() => useBackend('wasm'));

  test('gives the same for the same seed and number of workers', async () => {
    const run = async () => {
      const model = buildModel({ seed: 1 });
      const { history } = await train(model, faces(25), { ...options, workers: 2 });
      return { history, weights: weightsOf(model) };
    };
    expect(await run()).toEqual(await run());
  });

  test('without dropout, gives what one thread gives, up to the order of additions', async () => {
    const run = async (workers: number) => {
      const model = buildModel({ seed: 1, dropout: 0 });
      return (await train(model, faces(25), { ...options, workers, classWeights: [1, 2, 1, 1, 0.5] })).history.loss;
    };
    const alone = await run(1);
    for (const workers of [2, 3]) {
      for (const [i, loss] of (await run(workers)).entries()) expect(loss).toBeCloseTo(alone[i], 4);
    }
  });

  test('has threads left over when a batch has fewer samples', async () => {
    const { history } = await train(buildModel({ seed: 1 }), faces(3), { ...options, batchSize: 2, workers: 4 });
    expect(history.loss).toHaveLength(2);
  });

  test('stops when aborted, and ends its threads', async () => {
    const stop = new AbortController();
    const aborted = train(buildModel({ seed: 1 }), faces(25), {
      ...options,
      workers: 2,
      signal: stop.signal,
      callbacks: { onBatchEnd: () => stop.abort() },
    });
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

function weightsOf(model: LayersModel): number[][] {
  return model.getWeights().map((weight) => Array.from(weight.dataSync()));
}
