/**
 * What moving the operating point does, on the faces set aside to choose on: `npm run weights:points`. Prints the table of the
 * model card: accuracy / macro recall without the offsets that are folded in, with half of them, and with all.
 */
import { readFile } from 'node:fs/promises';
import { type ClassOffsets, createClassifier, EMOTIONS, type Emotion, type Sample } from '../src/index.js';
import { readFaces } from './training-faces.js';

const { offsets, temperature } = JSON.parse(await readFile('weights/history.json', 'utf8')) as {
  offsets: number[];
  temperature: number;
};
const [ferplus = '../shared/ferplus', photos = '../shared/photos', web = '../shared/web'] = process.argv.slice(2);
const { tune } = await readFaces({ ferplus, photos, web });

for (const [name, share] of [
  ['none', 0],
  ['half', 0.5],
  ['all', 1],
] as const) {
  const entries = EMOTIONS.map((emotion, c) => [emotion, (offsets[c] * (share - 1)) / temperature]);
  const moved = Object.fromEntries(entries) as ClassOffsets<Emotion>;
  const figures = [];
  for (const samples of Object.values(tune)) figures.push(await measured(samples, moved));
  console.log(`| ${name} | ${figures.join(' | ')} |`, JSON.stringify(moved));
}

async function measured(samples: readonly Sample[], moved: ClassOffsets<Emotion>): Promise<string> {
  const classifier = createClassifier({ offsets: moved });
  const right = EMOTIONS.map(() => 0);
  const faces = EMOTIONS.map(() => 0);
  for (const { image, label } of samples) {
    const [{ className }] = await classifier.classify(image);
    faces[label as number]++;
    if (EMOTIONS.indexOf(className) === label) right[label]++;
  }
  const accuracy = right.reduce((sum, count) => sum + count, 0) / samples.length;
  const macro = right.reduce((sum, count, c) => sum + count / faces[c], 0) / EMOTIONS.length;
  return `${(100 * accuracy).toFixed(1)}% / ${(100 * macro).toFixed(1)}%`;
}
