/**
 * Trains the shipped weights: `npm run weights:train [folder of FER+] [folder of photos] [folder of web faces]`. The folders
 * default to those in `../shared`.
 *
 * Writes `weights/model.json`, `weights/weights.bin`, `weights/history.json`, and the figures and pictures of
 * `weights/MODEL_CARD.md`. A stopped run continues from its last epoch when you start it again; the checkpoints are in
 * `runs/weights`. Afterwards, `npm run build:wasm` copies the figures of `model.json` that the package needs into `src/network`.
 *
 * A trial changes nothing in `weights` and measures nothing on validation faces:
 * `npm run weights:train -- --out runs/trial --seed 2 --epochs 1 --start-epochs 4`. `--epochs` is the length of the last
 * part; `--start-epochs` is the length of the long part, whose result is then used instead of `weights/start.bin`.
 * `--learning-rate 0.001` and `--augment '{"erasing":0.35}'` change the last part. `npm run weights:compare runs/trial`
 * compares the trial with the shipped weights.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { evaluate, type TrainOptions, useBackend } from '../src/index.js';
import { registerTrainingKernels } from '../src/kernels.js';
import { imageFolder, type SaveModelOptions, saveModel } from '../src/node.js';
import { fromFiles, toFiles } from '../src/tfjs/model/artifacts.js';
import { metadataOf, setMetadata } from '../src/tfjs/model/metadata.js';
import { type Metrics, writeCard } from './card.js';
import { figuresOf } from './figures.js';
import { measure } from './measure.js';
import { writePictures } from './pictures.js';
import { POLISHED, VIEWED, WEIGHTS_VERSION } from './settings.js';
import { readTeacher } from './teacher.js';
import { trainWeights } from './train-weights.js';
import { readFaces } from './training-faces.js';

/** Smallest step between the 8-bit codes of a large kernel, as a share of its standard deviation. */
const QUANTIZE_STEP = 0.2;

const STORED = { quantize: 'uint8', quantizeStep: QUANTIZE_STEP } satisfies SaveModelOptions;

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: 'string' },
    seed: { type: 'string', default: String(VIEWED.seed) },
    epochs: { type: 'string', default: String(POLISHED.epochs) },
    'start-epochs': { type: 'string' },
    'learning-rate': { type: 'string', default: String(POLISHED.learningRate) },
    augment: { type: 'string', default: '{}' },
  },
});
const [ferplus = '../shared/ferplus', photos = '../shared/photos', web = '../shared/web'] = positionals;
const { out, 'start-epochs': startEpochs } = flags;
const seed = Number(flags.seed);
const viewed: TrainOptions = { ...VIEWED, seed, epochs: Number(startEpochs ?? VIEWED.epochs) };
const polished: TrainOptions = {
  ...POLISHED,
  seed,
  epochs: Number(flags.epochs),
  learningRate: Number(flags['learning-rate']),
  augment: { ...POLISHED.augment, ...JSON.parse(flags.augment) },
};
const changed = startEpochs !== undefined || !isDeepStrictEqual([viewed, polished], [VIEWED, POLISHED]);
if (out === undefined && changed) fail('other settings are a trial: say with --out where it goes');

const teacher = 'weights/teacher.bin';
const needed = {
  [join(ferplus, 'train')]: 'FER+, class folders of 48x48 grey faces to train on',
  [join(ferplus, 'valid')]: 'FER+, faces to measure on; their near duplicates are not trained on',
  [join(photos, 'train')]: 'photos of faces, class folders, to train on',
  [join(photos, 'valid')]: 'photos of other people, to measure on',
  [web]: 'web faces, class folders, to choose the class offsets on',
  [teacher]: "the teacher's answers to these very faces; weights/teacher.py makes them on a GPU",
};
const missing = Object.entries(needed).filter(([path]) => !existsSync(path));
if (missing.length > 0) {
  const list = missing.map(([path, what]) => `  ${path}: ${what}`).join('\n');
  fail(`not found:\n${list}\nweights/MODEL_CARD.md, "Data", says what the sets are. The package carries none of them.`);
}

const checkpoints = out === undefined ? 'runs/weights' : join(out, 'checkpoints');
// Counts epochs over all processes of a resumed run.
const clock = join(checkpoints, 'seconds.txt');
await mkdir(checkpoints, { recursive: true });
const began = Date.now() - 1000 * Number(await readFile(clock, 'utf8').catch(() => 0));
const secondsSoFar = () => Math.round((Date.now() - began) / 1000);
await useBackend('wasm');
const kernels = await registerTrainingKernels();

// The file holds the long part of one seed; a trial with another seed trains its own.
const kept = startEpochs === undefined && seed === VIEWED.seed && existsSync('weights/start.bin');
const start = kept ? 'weights/start.bin' : null;
const faces = await readFaces({ ferplus, photos, web });
const { model, offsets, temperature, tune, history, best } = await trainWeights({
  faces,
  views: await readTeacher(teacher, faces.train.length),
  viewed,
  polished,
  start,
  checkpoints,
  async onEpoch(epoch, { loss, valLoss, valAccuracy, valMacroRecall }) {
    const figures = [loss, valLoss, valAccuracy, valMacroRecall].map((figure) => figure?.toFixed(4)).join('  ');
    console.log(`epoch ${epoch}  ${figures}  ${secondsSoFar()} s`);
    await writeFile(clock, String(secondsSoFar()));
  },
});
const seconds = Number(await readFile(clock, 'utf8').catch(() => 0));
console.log('tune', tune, offsets, temperature);

if (out === undefined) {
  const quantized = await fromFiles(toFiles(model, STORED));
  const { accuracy, macroRecall } = figuresOf(await evaluate(model, imageFolder(join(ferplus, 'valid'))));
  const measured = await measure({ model: quantized, ferplus, photos, web });
  const metrics: Metrics = { ...measured, float32: { accuracy, macroRecall } };
  setMetadata(model, { version: WEIGHTS_VERSION, metrics: { ...metrics } });
  await writeCard('weights/MODEL_CARD.md', metrics, {
    version: WEIGHTS_VERSION,
    sha256: metadataOf(quantized).sha256!,
  });
  await writePictures('weights', metrics);
  console.log(metrics.accuracy, metrics.macroRecall, metrics.elsewhere);
}
const folder = out ?? 'weights';
await saveModel(model, folder, STORED);
const settingsOf = (part: TrainOptions) => ({ ...part, schedule: 'cosine, warm-up 0.02' });
const log = {
  settings: { start: start ?? settingsOf(viewed), polish: settingsOf(polished) },
  machine: { cpu: cpus()[0].model, node: process.version, kernels: kernels.path },
  seconds,
  offsets,
  temperature,
  tune,
  best,
  history,
};
await writeFile(join(folder, 'history.json'), `${JSON.stringify(log, null, 1)}\n`);

function fail(message: string): never {
  console.error(`weights:train: ${message}`);
  process.exit(2);
}
