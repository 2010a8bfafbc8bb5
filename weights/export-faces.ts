/**
 * Writes the input of `weights/teacher.py` into `runs/teacher`:
 * `npx tsx weights/export-faces.ts [folder of FER+] [folder of photos] [folder of web faces]`.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { resample } from '../src/image/resample.js';
import { EMOTIONS, type PixelImage } from '../src/index.js';
import { readFaces } from './training-faces.js';

const [ferplus = '../shared/ferplus', photos = '../shared/photos', web = '../shared/web'] = process.argv.slice(2);
const out = 'runs/teacher';

const faces = await readFaces({ ferplus, photos, web });
const votes = new Map((await rowsOf('votes.csv')).map(([file, ...counts]) => [basename(file), counts.map(Number)]));
const originals = new Map((await rowsOf('original.csv')).map(([file, label]) => [basename(file), label]));
const ORIGINAL_CLASSES = [...EMOTIONS, 'disgust', 'fear'];

await mkdir(out, { recursive: true });
const meta = {
  train: faces.train.map(({ label, file }) => {
    const name = basename(file);
    const original = ORIGINAL_CLASSES.indexOf(originals.get(name) ?? '');
    return { label, votes: votes.get(name) ?? null, original, photo: votes.has(name) ? 0 : 1 };
  }),
  ...Object.fromEntries(
    Object.entries(faces.tune).map(([set, samples]) => [set, samples.map(({ label }) => ({ label }))]),
  ),
};
await writeFile(join(out, 'meta.json'), JSON.stringify(meta));
await writeFile(join(out, 'train.raw'), greyOf(faces.train.map(({ image }) => image)));
for (const [set, samples] of Object.entries(faces.tune)) {
  await writeFile(join(out, `${set}.raw`), greyOf(samples.map(({ image }) => image as PixelImage)));
}

async function rowsOf(file: string): Promise<string[][]> {
  const [, ...rows] = (await readFile(join(ferplus, file), 'utf8')).trim().split(/\r?\n/);
  return rows.map((row) => row.split(','));
}

/** Concatenates the grey levels of pictures of equal size. */
function greyOf(images: readonly PixelImage[]): Buffer {
  return Buffer.concat(
    images.map((image) => {
      const { width, height } = image;
      return Uint8Array.from(resample(image, { width, height }), Math.round);
    }),
  );
}
