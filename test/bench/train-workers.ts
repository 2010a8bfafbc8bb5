/**
 * A step of `train()` at batch 128 on one thread and on two, in turns: `npx tsx test/bench/train-workers.ts [steps of a
 * turn, default 40] [turns, default 5]`. Augmented and averaged, as the recipe of the weights; random faces of 48x48.
 * The built worker runs: `npm run build` first.
 */
import { buildModel, type PixelImage, type Sample, type TrainOptions, train, useBackend } from '../../src/index.js';
import { registerTrainingKernels } from '../../src/kernels.js';
import { randomStream } from '../../src/tfjs/train/random.js';

const [steps = 40, turns = 5] = process.argv.slice(2).map(Number);
const options: TrainOptions = {
  epochs: 1,
  batchSize: 128,
  normalization: 'localContrast',
  weightDecay: 0.02,
  ema: 0.999,
  augment: { flip: true, rotation: 10, shift: 0.08, scale: 0.1, contrast: 0.2, erasing: 0.25 },
};
/** Of every turn: workers compile anew. */
const WARM_UP = 10;

await useBackend('wasm');
console.log(`kernels: ${(await registerTrainingKernels()).path}, Node ${process.version}`);
const random = randomStream(1);
const faces: Sample[] = Array.from({ length: 128 * (steps + WARM_UP) }, (_, i) => {
  const data = Uint8Array.from({ length: 48 * 48 }, () => 256 * random());
  return { image: { data, width: 48, height: 48, channels: 1 } as PixelImage, label: i % 5 };
});

const of: Record<number, { ms: number[]; cpu: number[] }> = { 1: { ms: [], cpu: [] }, 2: { ms: [], cpu: [] } };
for (let turn = 0; turn < turns; turn++) {
  for (const workers of [1, 2]) {
    let began = 0;
    let cpu = process.cpuUsage();
    await train(buildModel({ seed: 1 }), faces, {
      ...options,
      workers,
      callbacks: {
        onBatchEnd({ step }) {
          const now = performance.now();
          if (step > WARM_UP) of[workers].ms.push(now - began);
          if (step === WARM_UP) cpu = process.cpuUsage();
          if (step === WARM_UP + steps) {
            const { user, system } = process.cpuUsage(cpu);
            of[workers].cpu.push((user + system) / 1000 / steps);
          }
          began = now;
        },
      },
    });
  }
}
for (const workers of [1, 2]) {
  const { ms, cpu } = of[workers];
  const best = ms.toSorted((a, b) => a - b)[ms.length >> 3];
  console.log(
    `workers: ${workers}  ${median(ms).toFixed(1)} ms a step (an eighth under ${best.toFixed(1)}), ${median(cpu).toFixed(1)} ms of CPU`,
  );
}
console.log(`2 workers are ${(median(of[1].ms) / median(of[2].ms)).toFixed(2)}x as fast as one thread`);

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
