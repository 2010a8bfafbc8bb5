/**
 * The recipe of the shipped weights: `npm run weights:train [folder of FER+]`, by default `../shared/ferplus`.
 *
 * Writes `weights/model.json`, `weights/weights.bin`, `weights/history.json` and the figures in `weights/MODEL_CARD.md`. A killed run goes on from its last epoch
 * when it is started again; `runs/weights` holds the checkpoint.
 */
import { writeFile } from 'node:fs/promises';
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
import { registerTrainingKernels } from '../src/kernels/index.js';
import { fromFiles, toFiles } from '../src/model/artifacts.js';
import { setMetadata } from '../src/model/metadata.js';
import { type ImageFolder, imageFolder, saveModel } from '../src/node/index.js';
import { type Metrics, writeCard } from './card.js';
import { corruptionFigures, figuresOf } from './figures.js';
import { bestTemperature, foldTemperature } from './temperature.js';

/** Share of the teacher's probabilities in the labels; the crowd's votes are the rest. */
const TEACHER_SHARE = 0.5;

const SETTINGS = {
  epochs: 100,
  batchSize: 128,
  learningRate: 3e-3,
  schedule: cosineSchedule({ warmup: 0.02 }),
  weightDecay: 0.02,
  ema: 0.9995,
  normalization: 'localContrast',
  augment: {
    flip: true,
    rotation: 10,
    shift: 0.08,
    scale: 0.12,
    zoom: 0.05,
    contrast: 0.2,
    brightness: 0.1,
    erasing: 0.25,
  },
  monitor: 'valAccuracy',
  seed: 1,
} satisfies TrainOptions;

const ferplus = process.argv[2] ?? '../shared/ferplus';
const began = Date.now();
await useBackend('wasm');
const kernels = await registerTrainingKernels();

const voted = imageFolder(join(ferplus, 'train'), { votes: join(ferplus, 'votes.csv') });
const taught = imageFolder(join(ferplus, 'train'), { votes: join(ferplus, 'teacher.csv') });
const valid = imageFolder(join(ferplus, 'valid'));
const model = buildModel({ seed: SETTINGS.seed });
const { history, best } = await train(model, distilled(voted, taught), {
  ...SETTINGS,
  validationData: valid,
  checkpoint: 'runs/weights',
  resume: true,
  callbacks: {
    onTrainBegin: ({ samples, stepsPerEpoch }) => console.log(`${samples} faces, ${stepsPerEpoch} steps an epoch`),
    onEpochEnd(epoch, { loss, valLoss, valAccuracy, valMacroRecall }) {
      const figures = [loss, valLoss, valAccuracy, valMacroRecall].map((figure) => figure?.toFixed(4)).join('  ');
      console.log(`${epoch}/${SETTINGS.epochs}  ${figures}  ${Math.round((Date.now() - began) / 1000)} s`);
    },
  },
});

// Soft labels leave the network less sure than it is right: one number, fitted on the validation faces, mends that.
const temperature = bestTemperature(
  await predictionsOn(valid),
  Float32Array.from(valid.files, ({ label }) => label),
);
foldTemperature(model, temperature);

const float32 = figuresOf(await evaluate(model, valid));
const quantized = await fromFiles(toFiles(model, { quantize: 'uint8' }));
const metrics: Metrics = {
  measuredOn: "FER+ `valid` (FER2013's PublicTest under the majority of ten votes, five classes)",
  ...figuresOf(await evaluate(quantized, valid)),
  float32: { accuracy: float32.accuracy, macroRecall: float32.macroRecall },
  corruptions: await corruptionFigures(quantized, valid),
};
setMetadata(model, { metrics: { ...metrics } });
await saveModel(model, 'weights', { quantize: 'uint8' });
await writeCard('weights/MODEL_CARD.md', metrics);
const log = {
  settings: { ...SETTINGS, schedule: 'cosine, warm-up 0.02', teacherShare: TEACHER_SHARE },
  machine: { cpu: cpus()[0].model, node: process.version, kernels: kernels.path },
  seconds: Math.round((Date.now() - began) / 1000),
  temperature,
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
