/**
 * Compares trial weights with the shipped ones on the faces set aside to choose by: `npm run weights:compare <folder> …`.
 * `npm run weights:train -- --out <folder>` writes such folders.
 *
 * Prints the macro recall on clean faces of the three sets, and on FER+ under each strong corruption. Each figure comes with
 * its difference from the shipped weights and the standard error of that difference (200 bootstrap resamples, the same faces
 * for both). Class offsets are fitted again for every model, so that all have comparable operating points.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { type PixelImage, preprocess, type Sample, useBackend } from '../src/index.js';
import { loadModel } from '../src/node.js';
import { metadataOf } from '../src/tfjs/model/metadata.js';
import { randomStream } from '../src/tfjs/train/random.js';
import { loadPretrained } from '../src/weights.js';
import { table } from './card.js';
import { CORRUPTIONS, corrupted } from './corruptions.js';
import { bestOffsets, meanMacroRecall, redrawn, type Said } from './offsets.js';
import { readTune } from './training-faces.js';

const RESAMPLES = 200;

const folders = process.argv.slice(2);
await useBackend('wasm');
const shipped = await loadPretrained();
const tune = await readTune({ ferplus: '../shared/ferplus', photos: '../shared/photos', web: '../shared/web' });
const sets: Record<string, Sample[]> = { ...tune };
for (const corruption of CORRUPTIONS) {
  sets[corruption.name] = [];
  for await (const sample of corrupted(grey(tune.ferplus), corruption, 'strong')) sets[corruption.name].push(sample);
}

const base = await answersOf(shipped);
console.log(
  table(
    ['set', 'shipped'],
    Object.keys(sets).map((set) => [set, points(recallOf(base, set))]),
  ),
);
for (const folder of folders) {
  const answers = await answersOf(await loadModel(folder));
  const names = ['mean of the clean sets', ...Object.keys(sets)];
  const rows = names.map((name) => {
    const of = name in sets ? [name] : Object.keys(tune);
    const [difference, error] = compared(answers, of);
    return [name, points(mean(of.map((set) => recallOf(answers, set)))), `${signed(difference)} ± ${points(error)}`];
  });
  console.log(`\n${table([folder, 'macro recall', 'against the shipped weights'], rows)}`);
}

interface Answers {
  said: Record<string, Said>;
  offsets: number[];
}

async function answersOf(model: LayersModel): Promise<Answers> {
  const { normalization } = metadataOf(model);
  const said: Record<string, Said> = {};
  for (const [set, samples] of Object.entries(sets)) {
    const inputs = await preprocess(
      samples.map(({ image }) => image),
      { normalization },
    );
    const logs = tf.tidy(() => tf.log(tf.maximum(model.predict(inputs, { batchSize: 128 }) as tf.Tensor, 1e-12)));
    said[set] = { logs: (await logs.data()) as Float32Array, labels: samples.map(({ label }) => label as number) };
    tf.dispose([inputs, logs]);
  }
  return { said, offsets: bestOffsets(Object.keys(tune).map((set) => said[set])) };
}

function recallOf({ said, offsets }: Answers, set: string): number {
  return meanMacroRecall([said[set]], offsets);
}

/** Difference of the mean over sets from that of the shipped weights, and its standard error. */
function compared(answers: Answers, of: readonly string[]): [difference: number, error: number] {
  const difference = (draw: (said: Said, set: number) => Said) =>
    meanMacroRecall(
      of.map((name, set) => draw(answers.said[name], set)),
      answers.offsets,
    ) -
    meanMacroRecall(
      of.map((name, set) => draw(base.said[name], set)),
      base.offsets,
    );
  const drawn = Array.from({ length: RESAMPLES }, (_, resample) =>
    difference((said, set) => redrawn(said, randomStream(29, resample, set))),
  );
  const centre = mean(drawn);
  const variance = drawn.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (RESAMPLES - 1);
  return [difference((said) => said), Math.sqrt(variance)];
}

async function* grey(samples: readonly Sample[]): AsyncGenerator<Sample & { image: PixelImage }> {
  for (const sample of samples) yield { ...sample, image: sample.image as PixelImage };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function points(share: number): string {
  return (100 * share).toFixed(1);
}

function signed(share: number): string {
  return `${share < 0 ? '' : '+'}${points(share)}`;
}
