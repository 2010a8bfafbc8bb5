/**
 * The recipe of the shipped weights: `npm run weights:train [folder of FER+]`, by default `../shared/ferplus`.
 *
 * Writes `weights/model.json`, `weights/weights.bin`, `weights/history.json`, and the figures and pictures of
 * `weights/MODEL_CARD.md`. A killed run goes on from its last epoch when it is started again; `runs/weights` holds the
 * checkpoint.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import {
  buildModel,
  cosineSchedule,
  createClassifier,
  EMOTIONS,
  evaluate,
  type Sample,
  type TrainOptions,
  train,
  useBackend,
} from '../src/index.js';
import { registerTrainingKernels } from '../src/kernels.js';
import { type ImageFolder, imageFolder, type SaveModelOptions, saveModel } from '../src/node.js';
import { fromFiles, toFiles } from '../src/tfjs/model/artifacts.js';
import { metadataOf, setMetadata } from '../src/tfjs/model/metadata.js';
import { type Metrics, writeCard } from './card.js';
import { corruptionFigures, figuresOf } from './figures.js';
import { writePictures } from './pictures.js';
import { foldPrior } from './prior.js';
import { bestTemperature, foldTemperature } from './temperature.js';

/** Share of the teacher's probabilities in the labels; the crowd's votes are the rest. */
const TEACHER_SHARE = 0.5;

/** Share of the classes' log frequency that is taken out of the answers again. */
const PRIOR_SHARE = 0.4;

/** Least step of the 8-bit codes of a large kernel, as a share of its standard deviation. */
const QUANTIZE_STEP = 0.1;

const SETTINGS = {
  epochs: 200,
  batchSize: 128,
  learningRate: 3e-3,
  schedule: cosineSchedule({ warmup: 0.02 }),
  weightDecay: 0.02,
  ema: 0.9995,
  normalization: 'localContrast',
  augment: {
    flip: true,
    rotation: 8,
    shift: 0.07,
    scale: 0.15,
    zoom: 0.04,
    contrast: 0.2,
    brightness: 0.1,
    erasing: 0.1,
    degrade: 0.15,
  },
  monitor: 'valLoss',
  seed: 1,
} satisfies TrainOptions;

const STORED = { quantize: 'uint8', quantizeStep: QUANTIZE_STEP } satisfies SaveModelOptions;

const ferplus = process.argv[2] ?? '../shared/ferplus';
// Time counts over all the processes that a resumed run takes.
const clock = 'runs/weights/seconds.txt';
const began = Date.now() - 1000 * Number(await readFile(clock, 'utf8').catch(() => 0));
const secondsSoFar = () => Math.round((Date.now() - began) / 1000);
await useBackend('wasm');
const kernels = await registerTrainingKernels();

const voted = imageFolder(join(ferplus, 'train'), { votes: join(ferplus, 'votes.csv') });
const taught = imageFolder(join(ferplus, 'train'), { votes: join(ferplus, 'teacher.csv') });
const valid = imageFolder(join(ferplus, 'valid'));
// Trained without dropout, which costs a net this small more than it saves (see the model card); it has no weights, so
// what is shipped is the exact network all the same.
const trained = buildModel({ seed: SETTINGS.seed, dropout: 0 });
const samples: Sample[] = [];
for await (const sample of distilled(voted, taught)) samples.push(sample);
const { history, best } = await train(trained, samples, {
  ...SETTINGS,
  validationData: valid,
  checkpoint: 'runs/weights',
  resume: true,
  callbacks: {
    onTrainBegin: ({ samples, stepsPerEpoch }) => console.log(`${samples} faces, ${stepsPerEpoch} steps an epoch`),
    async onEpochEnd(epoch, { loss, valLoss, valAccuracy, valMacroRecall }) {
      const figures = [loss, valLoss, valAccuracy, valMacroRecall].map((figure) => figure?.toFixed(4)).join('  ');
      console.log(`${epoch}/${SETTINGS.epochs}  ${figures}  ${secondsSoFar()} s`);
      await writeFile(clock, String(secondsSoFar()));
    },
  },
});

const seconds = Number(await readFile(clock, 'utf8'));
const model = buildModel({ seed: SETTINGS.seed });
model.setWeights(trained.getWeights());
setMetadata(model, metadataOf(trained));

// Soft labels leave the network less sure than it is right: one number, fitted on the validation faces, mends that.
const temperature = bestTemperature(
  await predictionsOn(valid),
  Float32Array.from(valid.files, ({ label }) => label),
);
foldTemperature(model, temperature);
// FER+ is 38% neutral, and a net that learns it says neutral of the sad and the angry.
const prior = meanLabel(samples);
foldPrior(model, prior, PRIOR_SHARE);

const float32 = figuresOf(await evaluate(model, valid));
const quantized = await fromFiles(toFiles(model, STORED));
const metrics: Metrics = {
  measuredOn: "FER+ `valid` (FER2013's PublicTest under the majority of ten votes, five classes)",
  ...figuresOf(await evaluate(quantized, valid)),
  float32: { accuracy: float32.accuracy, macroRecall: float32.macroRecall },
  corruptions: await corruptionFigures(quantized, valid),
};
setMetadata(model, { metrics: { ...metrics } });
await saveModel(model, 'weights', STORED);
await writeCard('weights/MODEL_CARD.md', metrics);
await writePictures('weights', metrics);
const log = {
  settings: { ...SETTINGS, schedule: 'cosine, warm-up 0.02', teacherShare: TEACHER_SHARE, priorShare: PRIOR_SHARE },
  machine: { cpu: cpus()[0].model, node: process.version, kernels: kernels.path },
  seconds,
  temperature,
  prior,
  best,
  history,
};
await writeFile('weights/history.json', `${JSON.stringify(log, null, 1)}\n`);
console.log(`epoch ${best.epoch}:`, metrics.accuracy, metrics.macroRecall);

/** The voted faces, with labels that are part votes, part what the teacher says. */
async function* distilled(voted: ImageFolder, taught: ImageFolder): AsyncGenerator<Sample> {
  let index = 0;
  for await (const { image, label, file } of voted) {
    const teacher = taught.files[index++].probabilities!;
    const votes = label as Float32Array;
    yield {
      image,
      label: Array.from(votes, (vote, c) => (1 - TEACHER_SHARE) * vote + TEACHER_SHARE * teacher[c]),
      file,
    };
  }
}

/** What the trained model says of every face of a folder, [faces,5] flattened. */
async function predictionsOn(faces: ImageFolder): Promise<Float32Array> {
  const rows: number[] = [];
  const classifier = createClassifier({ model });
  for await (const { image } of faces) {
    const predictions = await classifier.classify(image);
    rows.push(...EMOTIONS.map((emotion) => predictions.find(({ className }) => className === emotion)!.probability));
  }
  return Float32Array.from(rows);
}

/** The share of each class in the labels, [classes]. */
function meanLabel(samples: readonly Sample[]): number[] {
  const labels = samples.map(({ label }) => label as number[]);
  return EMOTIONS.map((_, c) => labels.reduce((sum, label) => sum + label[c], 0) / labels.length);
}
