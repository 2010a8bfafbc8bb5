/**
 * An epoch of `train()` over FER+'s training faces, augmented, on one thread; and what worker threads make of it at
 * batch 128. `npx tsx test/bench/train-epoch.ts [faces for the workers, default 5120]`.
 */
import { join } from 'node:path';
import { buildModel, type Sample, type TrainOptions, train, useBackend } from '../../src/index.js';
import { registerTrainingKernels } from '../../src/kernels.js';
import { imageFolder } from '../../src/node.js';
import { sharedPath } from '../shared.js';

const ferplus = sharedPath('ferplus');
if (ferplus === null) process.exit(0);
const options: TrainOptions = {
  batchSize: 128,
  normalization: 'localContrast',
  ema: 0.999,
  augment: { flip: true, rotation: 10, shift: 0.08, scale: 0.1, contrast: 0.2, erasing: 0.25 },
};

await useBackend('wasm');
console.log(`kernels: ${(await registerTrainingKernels()).path}, ${process.version}`);
const faces: Sample[] = [];
for await (const face of imageFolder(join(ferplus, 'train'))) faces.push(face);
const seconds = await secondsOfEpochs(faces, { ...options, epochs: 1 });
console.log(`one epoch, ${faces.length} faces, one thread: ${seconds[0].toFixed(1)} s`);

const some = faces.filter((_, i) => i % Math.ceil(faces.length / Number(process.argv[2] ?? 5120)) === 0);
const times: Record<number, number[]> = { 1: [], 2: [] };
for (let round = 0; round < 3; round++) {
  for (const workers of [1, 2])
    times[workers].push(...(await secondsOfEpochs(some, { ...options, epochs: 2, workers })));
}
const [one, two] = [1, 2].map((workers) => times[workers].toSorted((a, b) => a - b)[3]);
console.log(
  `an epoch of ${some.length} faces, median of 6: 1 thread ${one.toFixed(2)} s, 2 workers ${two.toFixed(2)} s`,
);
console.log(`2 workers are ${(one / two).toFixed(2)}x as fast as one thread`);

async function secondsOfEpochs(data: Sample[], settings: TrainOptions): Promise<number[]> {
  const seconds: number[] = [];
  let began = 0;
  await train(buildModel({ seed: 1 }), data, {
    ...settings,
    callbacks: {
      onTrainBegin() {
        began = performance.now();
      },
      onEpochEnd() {
        const now = performance.now();
        seconds.push((now - began) / 1000);
        began = now;
      },
    },
  });
  return seconds;
}
