import { basename, join } from 'node:path';
import { nearDuplicates } from '../src/folders/near-duplicates.js';
import { resample } from '../src/image/resample.js';
import type { PixelImage } from '../src/index.js';
import { type FolderFile, imageFolder } from '../src/node.js';
import { randomStream } from '../src/tfjs/train/random.js';

/** Indices into a folder's files. */
export interface Split {
  /** Faces to train on. */
  train: number[];
  /** Faces to choose by: epoch, temperature, offsets, recipe. */
  tune: number[];
}

const TUNE_SHARE = { ferplus: 0.07, photos: 0.25 };

/**
 * Sets part of FER+'s training faces aside. Near duplicates stay in the same part; near duplicates of a validation face are
 * in neither part.
 */
export async function splitFerplus(folder: string): Promise<Split> {
  const train = imageFolder(join(folder, 'train'));
  const pictures: Uint8Array[] = [];
  for (const faces of [train, imageFolder(join(folder, 'valid'))]) {
    for await (const { image } of faces) pictures.push(thumbnail(image));
  }
  const first = pictures.map((_, index) => index);
  const rootOf = (index: number): number => (first[index] === index ? index : rootOf(first[index]));
  for (const [a, b] of await nearDuplicates(pictures)) {
    const [x, y] = [rootOf(a), rootOf(b)];
    first[Math.max(x, y)] = Math.min(x, y);
  }
  const ofValid = new Set(pictures.slice(train.length).map((_, index) => rootOf(train.length + index)));
  const split: Split = { train: [], tune: [] };
  for (let index = 0; index < train.length; index++) {
    const group = rootOf(index);
    if (!ofValid.has(group)) split[partOf(1, group, TUNE_SHARE.ferplus)].push(index);
  }
  return split;
}

/** Sets aside the photos of a quarter of the persons. File names begin with the person: `p0123-`. */
export function splitPhotos(files: readonly FolderFile[]): Split {
  const split: Split = { train: [], tune: [] };
  files.forEach(({ path }, index) => {
    split[partOf(13, Number(basename(path).slice(1, 5)), TUNE_SHARE.photos)].push(index);
  });
  return split;
}

function partOf(set: number, group: number, tuneShare: number): keyof Split {
  return randomStream(17, set, group)() < tuneShare ? 'tune' : 'train';
}

function thumbnail(image: PixelImage): Uint8Array {
  return Uint8Array.from(resample(image, { width: 32, height: 32 }), Math.round);
}
