import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { placesByName } from '../class-names.js';
import { labelledFiles } from '../folders/labelled-files.js';
import { isClassFolders } from '../folders/open-dataset.js';
import { splitFiles } from '../folders/split-folder.js';
import { type ImageFolder, type ImageFolderOptions, imageFolder, openDataset, splitFolder } from '../node.js';
import { type ClassFlags, classOptions } from './class-options.js';
import { tellLeftOut } from './left-out.js';
import { errorLine } from './report-error.js';
import { tell } from './status-line.js';

/** Options on reading folders, for several commands. */
export interface DataFlags extends ClassFlags {
  exclude?: string;
  votes?: string;
  skipUnreadable?: true;
  quiet?: true;
}

/** Images for training, validation and test, all with the same classes. */
export interface DataFolders {
  train: ImageFolder;
  validation?: ImageFolder;
  test?: ImageFolder;
  /** A description of the origin of each. */
  names: { train: string; validation?: string; test?: string };
}

/**
 * Finds the images of a training. A folder made by `split` has `train`, `val` and `test`, and so do some data sets. Otherwise a
 * tenth of the images is used for validation, unless validation images are named.
 *
 * @throws FerError `CLASSES` when the classes of the parts differ; and as `imageFolder` and `openDataset`.
 */
export async function dataFolders(
  dir: string,
  flags: DataFlags & { val?: string | false; test?: string; seed: number },
): Promise<DataFolders> {
  const options = folderOptions(flags);
  if (!(await isClassFolders(dir))) return partsOfDataset(dir, flags);
  const trainDir = firstFolder(dir, ['train', 'training']);
  const { val = firstFolder(dir, ['val', 'valid', 'validation']), test = firstFolder(dir, ['test']) } = flags;
  const names = { train: trainDir ?? dir, validation: val || undefined, test };
  const train = imageFolder(trainDir ?? dir, options);
  tellLeftOut(train, trainDir ?? dir, flags.quiet);
  const open = (path: string) => openWithClasses(path, train.classes, flags);
  const validation = val ? await open(val) : undefined;
  const rest = { validation, test: test === undefined ? undefined : await open(test), names };
  if (val === false || validation !== undefined) return { train, ...rest };

  const parts = splitFolder(trainDir ?? dir, { ...options, ratio: [0.9, 0.1], seed: flags.seed });
  const named = { ...names, train: `90% of ${names.train}`, validation: `10% of ${names.train}` };
  return { ...rest, train: parts.train, validation: parts.validation, names: named };
}

/** The images for evaluation: a folder, or a data set's test images, or else its validation images, or else all. */
export async function openFolder(path: string, flags: DataFlags): Promise<ImageFolder> {
  if (await isClassFolders(path)) {
    const part = firstFolder(path, ['test', 'testing', 'val', 'valid', 'validation']);
    return imageFolder(part ?? path, folderOptions(flags));
  }
  const { test, validation, all } = await openDataset(path, folderOptions(flags));
  return test ?? validation ?? all;
}

/** The options of a command for reading folders. */
export function folderOptions({ exclude, votes, skipUnreadable, ...names }: DataFlags): ImageFolderOptions {
  return {
    ...classOptions(names),
    exclude,
    votes,
    unreadable: skipUnreadable ? 'skip' : 'error',
    onUnreadable: (file, error) => tell(errorLine(error, file, { DECODE: 'left out' })),
  };
}

/** Validation or test images, labelled by the classes of the training images; prints what is left out. */
async function openWithClasses(path: string, classes: readonly string[], flags: DataFlags): Promise<ImageFolder> {
  const folder = await openFolder(path, flags);
  tellLeftOut(folder, path, flags.quiet);
  return inClasses(folder, path, classes, folderOptions(flags));
}

/** The same images, with labels mapped to other classes. @throws FerError `CLASSES` when they have another class. */
function inClasses(
  folder: ImageFolder,
  path: string,
  classes: readonly string[],
  options: ImageFolderOptions,
): ImageFolder {
  const places = folder.classes.map((name) => classes.indexOf(name));
  const used = new Set(folder.files.map(({ label }) => label));
  if (places.some((place, c) => place < 0 && used.has(c))) {
    placesByName(folder.classes, classes, [path, 'the training data']);
  }
  if (places.every((place, c) => place === c) && places.length === classes.length) return folder;
  const files = folder.files.map(({ label, probabilities, ...file }) => ({
    ...file,
    label: places[label],
    ...(probabilities && { probabilities: moved(probabilities, places, classes.length) }),
  }));
  return labelledFiles(classes, files, options, folder);
}

function moved(row: Float32Array, places: readonly number[], length: number): Float32Array {
  const to = new Float32Array(length);
  for (const [c, place] of places.entries()) if (place >= 0) to[place] = row[c];
  return to;
}

async function partsOfDataset(
  path: string,
  flags: DataFlags & { val?: string | false; test?: string; seed: number },
): Promise<DataFolders> {
  const dataset = await openDataset(path, folderOptions(flags));
  const train = dataset.train ?? dataset.all;
  tellLeftOut(train, path, flags.quiet);
  const open = (way: string) => openWithClasses(way, dataset.classes, flags);
  const test = flags.test === undefined ? dataset.test : await open(flags.test);
  const named = { train: path, test: test && (flags.test ?? `${path}, test`) };
  if (flags.val === false) return { train, test, names: named };
  const validation = flags.val === undefined ? dataset.validation : await open(flags.val);
  if (validation !== undefined) {
    return { train, validation, test, names: { ...named, validation: flags.val ?? `${path}, validation` } };
  }
  const [most, tenth] = splitFiles(train, [0.9, 0.1], flags.seed);
  return {
    train: most,
    validation: tenth,
    test,
    names: { ...named, train: `90% of ${path}`, validation: `10% of ${path}` },
  };
}

function firstFolder(dir: string, names: readonly string[]): string | undefined {
  return names.map((name) => join(dir, name)).find((path) => existsSync(path));
}
