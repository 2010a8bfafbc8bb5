/** The training of the recipe: see `recipe.ts`. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { buildModel, evaluate, type Sample, train, useBackend } from '../src/index.js';
import { registerTrainingKernels } from '../src/kernels/index.js';
import { POLISHED } from './settings.js';
import { readStart } from './start.js';
import { meanOverViews, readTeacher } from './teacher.js';
import { readFaces } from './training-faces.js';

await useBackend('wasm');
await registerTrainingKernels();
const faces = await readFaces({
  ferplus: '/work/shared/ferplus',
  photos: '/work/shared/photos',
  web: '/work/shared/web',
});
console.log(
  faces.train.length,
  Object.values(faces.tune).map((t) => t.length),
);
const views = await readTeacher('weights/teacher.bin', faces.train.length);
const model = buildModel({ seed: 1, dropout: 0 });
await readStart('weights/start.bin', model, 'localContrast');
const show = async (name: string) => {
  for (const [set, samples] of Object.entries(faces.tune)) {
    const { accuracy, macroRecall } = await evaluate(model, samples);
    console.log(name, set, accuracy.toFixed(4), macroRecall.toFixed(4));
  }
};
await show('start');
const samples: Sample[] = faces.train.map(({ image, file }, i) => ({ image, file, label: meanOverViews(views[i]) }));
await mkdir('runs/weights', { recursive: true });
let last = Date.now();
const { history, best } = await train(model, samples, {
  ...POLISHED,
  validationData: faces.tune.ferplus,
  monitor: 'loss',
  checkpoint: 'runs/weights',
  resume: true,
  callbacks: {
    async onEpochEnd(epoch, f) {
      console.log(
        epoch,
        f.loss.toFixed(4),
        f.valLoss?.toFixed(4),
        f.valAccuracy?.toFixed(4),
        f.valMacroRecall?.toFixed(4),
        ((Date.now() - last) / 1000).toFixed(0),
        's',
        new Date().toISOString().slice(11, 19),
      );
      last = Date.now();
    },
  },
});
await show('end');
