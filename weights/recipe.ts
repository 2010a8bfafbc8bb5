/**
 * The recipe of the shipped weights: `npm run weights:train [folder of FER+] [of photos] [of web faces]`, by default those
 * of `../shared`.
 *
 * Writes `weights/model.json`, `weights/weights.bin`, `weights/history.json`, and the figures and pictures of
 * `weights/MODEL_CARD.md`. A killed run goes on from its last epoch when it is started again; `runs/weights` holds the
 * checkpoint. Afterwards `npm run build:wasm` writes what `src/network` holds of `model.json`.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import {
  buildModel,
  createClassifier,
  EMOTIONS,
  type Sample,
  type TrainOptions,
  train,
  useBackend,
} from '../src/index.js';
import { registerTrainingKernels } from '../src/kernels.js';
import { type SaveModelOptions, saveModel } from '../src/node.js';
import { fromFiles, toFiles } from '../src/tfjs/model/artifacts.js';
import { metadataOf, setMetadata } from '../src/tfjs/model/metadata.js';
import { type Metrics, writeCard } from './card.js';
import { measure } from './measure.js';
import { bestOffsets, foldOffsets, meanMacroRecall, type Said } from './offsets.js';
import { writePictures } from './pictures.js';
import { POLISHED, VIEWED } from './settings.js';
import { readStart } from './start.js';
import { meanOverViews, readTeacher } from './teacher.js';
import { bestTemperature, foldTemperature } from './temperature.js';
import { readFaces } from './training-faces.js';

/** Least step of the 8-bit codes of a large kernel, as a share of its standard deviation. */
const QUANTIZE_STEP = 0.2;

const STORED = { quantize: 'uint8', quantizeStep: QUANTIZE_STEP } satisfies SaveModelOptions;

const [ferplus = '../shared/ferplus', photos = '../shared/photos', web = '../shared/web'] = process.argv.slice(2);
// Time counts over all the processes that a resumed run takes.
const clock = 'runs/weights/seconds.txt';
await mkdir('runs/weights', { recursive: true });
const began = Date.now() - 1000 * Number(await readFile(clock, 'utf8').catch(() => 0));
const secondsSoFar = () => Math.round((Date.now() - began) / 1000);
await useBackend('wasm');
const kernels = await registerTrainingKernels();

const faces = await readFaces({ ferplus, photos, web });
const views = await readTeacher('weights/teacher.bin', faces.train.length);
// Trained without dropout, which costs a net this small more than it saves (see the model card); it has no weights, so
// what is shipped is the exact network all the same.
const trained = buildModel({ seed: VIEWED.seed, dropout: 0 });
if (await readStart('weights/start.bin', trained, VIEWED.normalization)) {
  console.log(`the first ${VIEWED.epochs} epochs are those of weights/start.bin`);
} else {
  const samples = faces.train.map(({ image, label, file }, i) => ({ image, label, file, viewLabels: views[i] }));
  await trainPart(samples, VIEWED, 'runs/weights/viewed');
}
const start = trained.getWeights().map((weight) => tf.clone(weight));
const samples = faces.train.map(({ image, file }, i) => ({ image, file, label: meanOverViews(views[i]) }));
const { history, best } = await trainPart(samples, POLISHED, 'runs/weights');

const seconds = Number(await readFile(clock, 'utf8').catch(() => 0));
const model = buildModel({ seed: VIEWED.seed });
// The mean of both ends is no worse than either on any set, and a little better on most (Wortsman et al., "Robust fine-tuning
// of zero-shot models", 2022).
model.setWeights(trained.getWeights().map((weight, i) => tf.div(tf.add(weight, start[i]), 2)));
setMetadata(model, metadataOf(trained));

// FER+ is 38% neutral, and its voters call mild anger and sadness neutral: a net that learns it says neutral of the sad and
// the angry. Numbers on the logits mend that.
const said = await Promise.all(Object.values(faces.tune).map(saidOf));
const offsets = bestOffsets(said);
foldOffsets(model, offsets);
// Soft labels leave the network less sure than it is right: one number mends that.
const [{ logs, labels }] = said;
const shifted = logs.map((log, i) => Math.exp(log + offsets[i % EMOTIONS.length]));
const temperature = bestTemperature(normalised(shifted), labels);
foldTemperature(model, temperature);
const tune = {
  faces: Object.fromEntries(Object.entries(faces.tune).map(([set, { length }]) => [set, length])),
  meanMacroRecall: meanMacroRecall(said, offsets),
  withoutOffsets: meanMacroRecall(
    said,
    offsets.map(() => 0),
  ),
};
console.log('tune', tune, offsets, temperature);

const quantized = await fromFiles(toFiles(model, STORED));
const metrics: Metrics = await measure({ model: quantized, float32: model, ferplus, photos, web });
setMetadata(model, { metrics: { ...metrics } });
await saveModel(model, 'weights', STORED);
await writeCard('weights/MODEL_CARD.md', metrics);
await writePictures('weights', metrics);
const settingsOf = (part: TrainOptions) => ({ ...part, schedule: 'cosine, warm-up 0.02' });
const log = {
  settings: { start: settingsOf(VIEWED), polish: settingsOf(POLISHED) },
  machine: { cpu: cpus()[0].model, node: process.version, kernels: kernels.path },
  seconds,
  offsets,
  temperature,
  tune,
  best,
  history,
};
await writeFile('weights/history.json', `${JSON.stringify(log, null, 1)}\n`);
console.log(metrics.accuracy, metrics.macroRecall, metrics.elsewhere);

function trainPart(samples: Sample[], settings: TrainOptions, checkpoint: string) {
  return train(trained, samples, {
    ...settings,
    validationData: faces.tune.ferplus,
    monitor: 'loss',
    checkpoint,
    resume: true,
    callbacks: {
      async onEpochEnd(epoch, { loss, valLoss, valAccuracy, valMacroRecall }) {
        const figures = [loss, valLoss, valAccuracy, valMacroRecall].map((figure) => figure?.toFixed(4)).join('  ');
        console.log(`${epoch}/${settings.epochs}  ${figures}  ${secondsSoFar()} s`);
        await writeFile(clock, String(secondsSoFar()));
      },
    },
  });
}

async function saidOf(samples: readonly Sample[]): Promise<Said> {
  const classifier = createClassifier({ model: model as LayersModel });
  const rows: number[] = [];
  for (const { image } of samples) {
    const predictions = await classifier.classify(image);
    rows.push(
      ...EMOTIONS.map((emotion) => {
        const { probability } = predictions.find(({ className }) => className === emotion)!;
        return Math.log(Math.max(probability, 1e-12));
      }),
    );
  }
  return { logs: Float32Array.from(rows), labels: samples.map(({ label }) => label as number) };
}

/** Each row divided by its sum. */
function normalised(rows: Float32Array): Float32Array {
  const classes = EMOTIONS.length;
  return rows.map((value, i) => {
    const first = i - (i % classes);
    return value / rows.subarray(first, first + classes).reduce((sum, each) => sum + each, 0);
  });
}
