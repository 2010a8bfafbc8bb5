import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EMOTIONS, type PixelImage, type Sample } from '../src/index.js';
import { type ImageFolder, imageFolder } from '../src/node.js';
import { cropped } from './cropped.js';
import { PHOTO_BOX, photoCrops } from './photo-crops.js';
import { splitFerplus, splitPhotos } from './split.js';

/** Folders of the data sets. */
export interface DataFolders {
  ferplus: string;
  photos: string;
  /** Not used for training. */
  web: string;
}

/** Faces to train on, in the order of the teacher's answers, and faces to choose by. */
export interface Faces {
  train: { image: PixelImage; label: number; file: string }[];
  tune: Record<'ferplus' | 'photos' | 'web', Sample[]>;
}

/** Reads the training parts of FER+ and of the photos; photos of rare classes several times, each time with another crop. */
export async function readFaces(folders: DataFolders): Promise<Faces> {
  const { ferplus, photos, ferplusSplit, photosSplit } = await opened(folders);

  const train: Faces['train'] = [];
  for await (const sample of plain(ferplus.subset(ferplusSplit.train))) train.push(sample);
  let next = 0;
  for await (const { image, label, file } of plain(photos.subset(photosSplit.train))) {
    for (const crop of photoCrops(image, EMOTIONS[label], photosSplit.train[next]))
      train.push({ image: crop, label, file });
    next++;
  }
  return { train, tune: await readTune(folders) };
}

/** Reads only the faces to choose by. */
export async function readTune(folders: DataFolders): Promise<Faces['tune']> {
  const { ferplus, photos, ferplusSplit, photosSplit } = await opened(folders);
  return {
    ferplus: await all(plain(ferplus.subset(ferplusSplit.tune))),
    photos: await all(cropped(photos.subset(photosSplit.tune), PHOTO_BOX)),
    web: await all(cropped(imageFolder(folders.web), PHOTO_BOX)),
  };
}

async function opened(folders: DataFolders) {
  const photos = imageFolder(join(folders.photos, 'train'));
  return {
    ferplus: imageFolder(join(folders.ferplus, 'train')),
    photos,
    ferplusSplit: await kept('runs/weights/split.json', () => splitFerplus(folders.ferplus)),
    photosSplit: splitPhotos(photos.files),
  };
}

async function* plain(folder: ImageFolder): AsyncGenerator<Faces['train'][number]> {
  for await (const { image, label, file } of folder) yield { image, label: label as number, file };
}

/** Results that an earlier, killed run has already saved. */
async function kept<T>(path: string, find: () => Promise<T>): Promise<T> {
  const known = await readFile(path, 'utf8').catch(() => null);
  if (known !== null) return JSON.parse(known) as T;
  const found = await find();
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, JSON.stringify(found));
  return found;
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
