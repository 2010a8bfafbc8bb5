/**
 * Measures the effect of the class offsets on the faces set aside to choose by: `npm run weights:points`. Writes a table of the
 * model card: accuracy / macro recall without the folded-in offsets, with half of them, and with all of them, and the standard
 * errors of the means.
 */
import { readFile } from 'node:fs/promises';
import { type ClassOffsets, createClassifier, EMOTIONS, type Emotion, type Sample } from '../src/index.js';
import { table, writeSection } from './card.js';
import { standardErrors } from './standard-errors.js';
import { readTune } from './training-faces.js';

const { offsets, temperature } = JSON.parse(await readFile('weights/history.json', 'utf8')) as {
  offsets: number[];
  temperature: number;
};
const [ferplus = '../shared/ferplus', photos = '../shared/photos', web = '../shared/web'] = process.argv.slice(2);
const tune = await readTune({ ferplus, photos, web });

const rows: string[][] = [];
for (const [name, share] of [
  ['none', 0],
  ['half', 0.5],
  ['all (shipped)', 1],
] as const) {
  const entries = EMOTIONS.map((emotion, c) => [emotion, (offsets[c] * (share - 1)) / temperature]);
  const moved = Object.fromEntries(entries) as ClassOffsets<Emotion>;
  const figures: Measured[] = [];
  for (const samples of Object.values(tune)) figures.push(await measured(samples, moved));
  rows.push([name, ...[...figures, meanOf(figures)].map(both), both(errorOf(figures))]);
  console.log(name, JSON.stringify(moved));
}
const head = ['offsets folded in', 'FER+', 'photos', 'web'].map((set, i) =>
  i === 0 ? set : `${set}, ${Object.values(tune)[i - 1].length.toLocaleString('en')} faces`,
);
await writeSection(
  'weights/MODEL_CARD.md',
  'weights/operating-points.ts',
  table([...head, 'mean', 'standard error'], rows),
);

interface Measured {
  accuracy: number;
  macroRecall: number;
  errors: { accuracy: number; macroRecall: number };
}

async function measured(samples: readonly Sample[], moved: ClassOffsets<Emotion>): Promise<Measured> {
  const classifier = createClassifier({ offsets: moved });
  const confusionMatrix = EMOTIONS.map(() => EMOTIONS.map(() => 0));
  for (const { image, label } of samples) {
    const [{ className }] = await classifier.classify(image);
    confusionMatrix[label as number][EMOTIONS.indexOf(className)]++;
  }
  const right = confusionMatrix.map((row, c) => row[c]);
  return {
    accuracy: sum(right) / samples.length,
    macroRecall: sum(right.map((count, c) => count / sum(confusionMatrix[c]))) / EMOTIONS.length,
    errors: standardErrors({ confusionMatrix, calibration: [] }),
  };
}

function meanOf(sets: readonly Measured[]) {
  const mean = (of: 'accuracy' | 'macroRecall') => sum(sets.map((set) => set[of])) / sets.length;
  return { accuracy: mean('accuracy'), macroRecall: mean('macroRecall') };
}

/** Standard error of the mean over sets that share no face. */
function errorOf(sets: readonly Measured[]) {
  const error = (of: 'accuracy' | 'macroRecall') =>
    Math.sqrt(sum(sets.map((set) => set.errors[of] ** 2))) / sets.length;
  return { accuracy: error('accuracy'), macroRecall: error('macroRecall') };
}

function both({ accuracy, macroRecall }: Pick<Measured, 'accuracy' | 'macroRecall'>): string {
  return `${(100 * accuracy).toFixed(1)}% / ${(100 * macroRecall).toFixed(1)}%`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
