import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { FerError, reasonOf } from '../errors.js';
import { listOf, number, optionsOf, text } from '../options.js';
import { makeFolderSync } from '../platform/node/make-folder.js';
import { randomStream, shuffledIndices } from '../tfjs/train/random.js';
import { type ImageFolderOptions, imageFolder, imageFolderRules } from './image-folder.js';
import type { ImageFolder } from './labelled-files.js';

/** Shares of training, validation and, with three numbers, test images: above 0, summing to 1. */
export type SplitRatio = readonly [number, number] | readonly [number, number, number];

export interface SplitFolderOptions<R extends SplitRatio = SplitRatio> extends ImageFolderOptions {
  /**
   * Shares of training, validation and test images; with two numbers there is no test part.
   * @default [0.8, 0.1, 0.1]
   */
  ratio?: R;
  /**
   * Seed of the random split.
   * @default 1337
   */
  seed?: number;
  /**
   * A folder to copy the images to, as `train/<class>/`, `val/<class>/` and `test/<class>/`; it must not
   * exist or must be empty, and must be outside `dir`. It appears only when it is complete.
   * @default nothing is copied
   */
  output?: string;
}

/** The parts of a folder. */
export interface FolderSplit<Test = ImageFolder> {
  train: ImageFolder;
  validation: ImageFolder;
  test: Test;
}

/**
 * Splits a folder of class folders into training, validation and test images: every image in one part, each class in the
 * same shares. A class of n images is shuffled and cut at n r1 and n (r1 + r2), rounded. The same folder, ratio and seed
 * give the same parts. Without `output`, nothing is written, and the parts read the images in place. This function is
 * synchronous; `await` does no harm.
 *
 * @throws FerError `OPTION` for ratios that are not above 0 or do not sum to 1, a seed that is not a whole number, or an
 * output folder that is in use; `NOT_WRITTEN` when the copies cannot be written; `DATA` when a part would be empty; and what `imageFolder` throws.
 * @example
 * const { train, validation, test } = splitFolder('faces', { ratio: [0.8, 0.1, 0.1], seed: 7 });
 */
export function splitFolder<const R extends SplitRatio = readonly [number, number, number]>(
  dir: string,
  options: SplitFolderOptions<R> = {},
): FolderSplit<R extends readonly [number, number] ? undefined : ImageFolder> {
  checkOptions(options);
  const { ratio = [0.8, 0.1, 0.1], seed = 1337, output, ...folderOptions } = options;
  checkRatio(ratio);
  if (output !== undefined) checkOutput(dir, output);

  const folder = imageFolder(dir, folderOptions);
  const parts = splitFiles(folder, ratio, seed, dir);
  if (output !== undefined) copyParts(dir, output, parts);

  const [train, validation, test] = parts;
  return { train, validation, test } as FolderSplit<R extends readonly [number, number] ? undefined : ImageFolder>;
}

const checkOptions = optionsOf<SplitFolderOptions>('splitFolder', () => ({
  ...imageFolderRules(),
  ratio: listOf(number('a number', Number.isFinite), 'two or three shares that sum to 1'),
  seed: number('a whole number', Number.isSafeInteger),
  output: text,
}));

/**
 * Splits listed images in the same way as {@link splitFolder}.
 *
 * @throws FerError `DATA` when a part would be empty.
 */
export function splitFiles(
  folder: ImageFolder,
  ratio: readonly number[],
  seed: number,
  place = 'the data',
): ImageFolder[] {
  return cut(folder, ratio, seed).map((indices, k) => {
    if (indices.length > 0) return folder.subset(indices);
    throw new FerError('DATA', `${place} has too few images (${folder.length}) for a ${PARTS[k]} part of ${ratio[k]}`);
  });
}

const PARTS = ['train', 'val', 'test'];

function checkRatio(ratio: readonly number[]) {
  const sum = ratio.reduce((total, share) => total + share, 0);
  const positive = ratio.every((share) => Number.isFinite(share) && share > 0);
  if ((ratio.length !== 2 && ratio.length !== 3) || !positive || Math.abs(sum - 1) > 1e-6) {
    throw new FerError('OPTION', `ratio must be two or three numbers above 0 that sum to 1, got [${ratio.join(', ')}]`);
  }
}

function cut(folder: ImageFolder, ratio: readonly number[], seed: number): number[][] {
  const parts: number[][] = ratio.map(() => []);
  folder.classes.forEach((_, label) => {
    const members = folder.files.flatMap((file, index) => (file.label === label ? [index] : []));
    const order = shuffledIndices(members.length, randomStream(seed, label));
    let share = 0;
    let from = 0;
    ratio.forEach((part, k) => {
      share += part;
      // The last part gets the remaining images, because shares are rounded.
      const to = k === ratio.length - 1 ? members.length : Math.round(members.length * share);
      for (let place = from; place < to; place++) parts[k].push(members[order[place]]);
      from = to;
    });
  });
  for (const part of parts) part.sort((a, b) => a - b);
  return parts;
}

function checkOutput(dir: string, output: string) {
  const way = relative(resolve(dir), resolve(output));
  const outside = way === '..' || way.startsWith(`..${sep}`) || resolve(dir, way) !== resolve(output);
  if (way === '' || !outside) throw new FerError('OPTION', `output ${output} must lie outside ${dir}`);
  if (!existsSync(output)) return;
  let entries: string[] = [];
  try {
    entries = readdirSync(output);
  } catch (error) {
    throw new FerError('OPTION', `output ${output} is not a folder: ${reasonOf(error)}`, { cause: error });
  }
  if (entries.length > 0) throw new FerError('OPTION', `output ${output} is not empty`);
}

function copyParts(dir: string, output: string, parts: ImageFolder[]) {
  removeUnfinished(output);
  const unfinished = `${resolve(output)}${UNFINISHED}${process.pid}-${HOST}-${randomBytes(8).toString('hex')}`;
  try {
    makeFolderSync(dirname(unfinished));
    // A new folder of this process, so that no planted file is in it.
    mkdirSync(unfinished);
    parts.forEach((part, k) => {
      for (const name of part.classes) makeFolderSync(join(unfinished, PARTS[k], name));
      for (const file of part.files) {
        const [own, ...rest] = relative(dir, file.path).split(sep);
        const name = part.classes[file.label];
        // Folders with other names are copied into the folder of their class, because their files may have the same names.
        const copy = join(unfinished, PARTS[k], ...(own === name ? [own] : [name, own]), ...rest);
        makeFolderSync(dirname(copy));
        copyFileSync(file.path, copy);
      }
    });
    if (existsSync(output)) rmdirSync(output);
    renameSync(unfinished, output);
  } catch (error) {
    if (existsSync(unfinished)) rmSync(unfinished, { recursive: true });
    if (error instanceof FerError) throw error;
    const isFileAbove = ['ENOTDIR', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '');
    const code = isFileAbove ? 'OPTION' : 'NOT_WRITTEN';
    throw new FerError(code, `the parts of ${dir} cannot be copied to ${output}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

const UNFINISHED = '.unfinished-';

/** The name of this machine, in a form that is safe in file names. */
const HOST = hostname().replace(/[^\w.]/g, '_');

/** Removes what killed splits into the same folder left on this machine. */
function removeUnfinished(output: string): void {
  const parent = dirname(resolve(output));
  const start = basename(resolve(output)) + UNFINISHED;
  for (const name of statSync(parent, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(parent) : []) {
    const found = name.startsWith(start) ? /^(\d+)-(.+)-[0-9a-f]{16}$/.exec(name.slice(start.length)) : null;
    if (found === null || found[2] !== HOST || isRunning(Number(found[1]))) continue;
    try {
      rmSync(join(parent, name), { recursive: true, force: true });
    } catch {
      // A folder that cannot be removed does no harm.
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
