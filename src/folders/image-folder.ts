import { type Dirent, readdirSync, realpathSync, statSync } from 'node:fs';
import { extname, join, resolve, sep } from 'node:path';
import { EMOTIONS } from '../emotions.js';
import { FerError, reasonOf } from '../errors.js';
import { callback, either, listOf, oneOf, optionsOf, type Rules, text } from '../options.js';
import { imageLimits, limitRules } from '../platform/image-limits.js';
import { decode } from '../platform/node/decode.js';
import type { ImageLimits, PixelImage } from '../runtime.js';
import { readExclusions } from './exclusions.js';
import { type FileMatcher, fileMatcher, isThere } from './file-matcher.js';
import { readVotes } from './votes.js';
import { IMAGE_ENDINGS, isSystemFolder, type LeftOut, walkImages } from './walk-images.js';

export interface ImageFolderOptions extends ImageLimits {
  /**
   * Class names in the order of their indices. Folders of other names are left out; each class needs a folder, which may
   * be empty.
   * @default EMOTIONS when all folders are named after emotions, else the names of folders that hold images, sorted
   */
  classes?: readonly string[];
  /**
   * What an image that cannot be read does: `'error'` ends the iteration with its error, `'skip'` leaves it out.
   * @default 'error'
   */
  unreadable?: 'error' | 'skip';
  /** Told of each image left out by `unreadable: 'skip'`. */
  onUnreadable?: (file: string, error: FerError) => void;
  /**
   * Path of a CSV file of votes or probabilities, `file,<class>,<class>,...`, with paths relative to it. Labels are
   * then probabilities; images without a row, or with no vote for any class, get probability 1 for their folder's class.
   */
  votes?: string;
  /**
   * Files to leave out, as absolute paths or relative to the folder; or the path of a list of them, such as
   * `fer-dcnn check --fix` writes: one path a line, relative to the list, `#` before a remark.
   * @default none
   */
  exclude?: string | readonly string[];
  /**
   * File name endings that count as images, in any case; files of others are left out, whatever they hold.
   * @default the endings of the formats that are read; a file of another ending, or none, by its content
   */
  extensions?: readonly string[];
}

/** One image of a folder, decoded. */
export interface FolderSample {
  image: PixelImage;
  /** The class index, or with `votes` the probabilities, [classes]. */
  label: number | Float32Array;
  /** Path of the image. */
  file: string;
}

/** One image of a folder, not read yet. */
export interface FolderFile {
  path: string;
  /** Index of the class that the file's folder is named after. */
  label: number;
  /** With `votes`: the label as probabilities, [classes]. */
  probabilities?: Float32Array;
}

/** A path of a list that no file has. */
export interface UnmatchedEntry {
  /** The list's own path; `exclude` for a list that was given as an array. */
  list: string;
  path: string;
}

/** Labelled images on disk. Each iteration reads them anew, in the order of `files`, a few ahead, never all at once. */
export interface ImageFolder extends AsyncIterable<FolderSample> {
  readonly classes: readonly string[];
  readonly files: readonly FolderFile[];
  /** Number of files. An iteration gives fewer when unreadable ones are skipped. */
  readonly length: number;
  /** What lies in the folder and is not among `files`, and why; those of the whole folder for a part of it. */
  readonly leftOut: readonly LeftOut[];
  /** Paths of the lists `exclude` and `votes` that no file has, here or elsewhere. */
  readonly unmatched: readonly UnmatchedEntry[];
  /**
   * The same folder with some of its files, in the given order: to shuffle, to split, to take a few.
   *
   * @throws FerError `OPTION` for an index that is not there.
   */
  subset(indices: ArrayLike<number>): ImageFolder;
}

/**
 * Lists the images of a folder that holds one folder a class: `dir/happy/a.jpg`. Nothing is decoded before iteration.
 *
 * Folders inside a class folder belong to that class. Files are sorted by class index, then by path, in the order of
 * UTF-16 code units: the same on every machine. Each file is listed once, whatever links lead to it. Hidden files and folders are
 * left out, and so are links that lead outside of `dir`, folders without an image, and those that systems make, such as
 * `__MACOSX`: `leftOut` has what is left out, and why.
 *
 * @throws FerError `NOT_FOUND` when `dir` is no folder or the list `exclude` is not there; `DATA` when it holds no class folders or no images, or for a
 * votes file of another shape or about other images; `CLASSES` for class names that repeat or have no folder; `OPTION`.
 * Iterating throws as decoding does, and the message names the file.
 * @example
 * const faces = imageFolder('faces/train', { votes: 'faces/votes.csv' });
 * for await (const { image, label, file } of faces) console.log(file, image.width, label);
 */
export function imageFolder(dir: string, options: ImageFolderOptions = {}): ImageFolder {
  text(dir, 'dir');
  checkOptions(options);
  const { exclude = [], votes } = options;

  const { folders, images, leftOut } = listed(dir, options);
  const classes = classNames(dir, folders, options.classes);
  const all: FolderFile[] = [];
  classes.forEach((name, label) => {
    for (const path of images.get(name)?.sort() ?? []) all.push({ path, label });
  });
  const matcher = fileMatcher(all.map(({ path }) => path));

  const excluded = typeof exclude === 'string' ? readExclusions(exclude) : exclude.map((file) => resolve(dir, file));
  const skipped = new Set<number>();
  const unmatched: UnmatchedEntry[] = [];
  for (const path of excluded) {
    const index = matcher.find(path);
    if (index !== undefined) skipped.add(index);
    else if (!isThere(path)) unmatched.push({ list: typeof exclude === 'string' ? exclude : 'exclude', path });
  }
  for (const index of skipped) leftOut.push({ path: all[index].path, kind: 'excluded', reason: 'excluded' });
  if (all.length === skipped.size) {
    const left = skipped.size > 0 ? ' that are not excluded' : '';
    throw new FerError('DATA', `${dir} has no images${left} in its class folders ${folders.join(', ')}`);
  }

  if (votes !== undefined) unmatched.push(...addProbabilities(all, matcher, classes, votes));
  const files = all.filter((_, index) => !skipped.has(index));
  return folderOf(classes, files, options, { leftOut, unmatched });
}

/** The rules of the options of a folder. */
export const imageFolderRules = (): Rules<ImageFolderOptions> => ({
  classes: listOf(text, 'a list of names'),
  unreadable: oneOf('error', 'skip'),
  onUnreadable: callback,
  votes: text,
  exclude: either(text, listOf(text, 'a list of paths, or the path of a list')),
  extensions: listOf(text, 'a list of file name endings'),
  ...limitRules,
});

const checkOptions = optionsOf<ImageFolderOptions>('imageFolder', imageFolderRules);

// --- below this line: listing ---

function realPath(dir: string): string {
  try {
    const real = realpathSync(dir);
    if (statSync(real).isDirectory()) return real;
  } catch (error) {
    throw new FerError('NOT_FOUND', `${dir} cannot be found: ${reasonOf(error)}`, { cause: error });
  }
  throw new FerError('NOT_FOUND', `${dir} is not a folder`);
}

function classNames(dir: string, folders: string[], wanted?: readonly string[]): readonly string[] {
  if (wanted === undefined) {
    const emotions: readonly string[] = EMOTIONS;
    return folders.every((name) => emotions.includes(name)) ? EMOTIONS : folders;
  }
  if (wanted.length === 0 || new Set(wanted).size < wanted.length) {
    throw new FerError('CLASSES', `classes must be names, each once, got [${wanted.join(', ')}]`);
  }
  const missing = wanted.filter((name) => !folders.includes(name));
  if (missing.length > 0) {
    throw new FerError('CLASSES', `${dir} has no folder ${missing.join(', ')}; it has ${folders.join(', ')}`);
  }
  return [...wanted];
}

/** Names of class folders, the images of each, and what is left out. Without `classes`, a folder without images is no class. */
function listed(dir: string, options: ImageFolderOptions) {
  const root = realPath(dir);
  const { folders, beside } = foldersIn(dir, root);
  if (folders.length === 0) throw new FerError('DATA', `${dir} has no class folders such as ${join(dir, 'happy')}`);
  const tops = options.classes === undefined ? folders : folders.filter((name) => options.classes?.includes(name));
  const endings = options.extensions && new Set(options.extensions.map((ending) => ending.toLowerCase()));
  const images = new Map<string, string[]>(tops.map((name) => [name, []]));
  const leftOut: LeftOut[] = [...beside];
  const walked = walkImages(
    tops.map((name) => join(dir, name)),
    root,
    endings,
  );
  for (const found of walked) {
    if (found === null) continue;
    if ('kind' in found) leftOut.push(found);
    else images.get(tops[found.top])?.push(found.path);
  }
  if (options.classes !== undefined) return { folders, images, leftOut };

  const emotions: readonly string[] = EMOTIONS;
  const isEmpty = (name: string) => images.get(name)?.length === 0 && !emotions.includes(name);
  const classes = folders.filter((name) => !isEmpty(name));
  for (const name of folders.filter(isEmpty)) {
    leftOut.push({ path: join(dir, name), kind: 'empty', reason: 'a folder without an image' });
  }
  return { folders: classes.length > 0 ? classes : folders, images, leftOut };
}

/** Folders in a folder, sorted, and the images that lie beside them. */
function foldersIn(dir: string, root: string): { folders: string[]; beside: LeftOut[] } {
  let entries: Dirent[];
  try {
    entries = readdirSync(dir, { withFileTypes: true });
  } catch (error) {
    throw new FerError('NOT_FOUND', `${dir} cannot be listed: ${reasonOf(error)}`, { cause: error });
  }
  const folders: string[] = [];
  const beside: LeftOut[] = [];
  for (const entry of entries) {
    const path = join(dir, entry.name);
    if (entry.name.startsWith('.')) continue;
    if (entry.isDirectory() || (entry.isSymbolicLink() && leadsToFolderIn(path, root))) {
      if (!isSystemFolder(entry.name)) folders.push(entry.name);
      else beside.push({ path, kind: 'system', reason: 'a folder of an operating system' });
    } else if (IMAGE_ENDINGS.includes(extname(entry.name).toLowerCase())) {
      beside.push({ path, kind: 'place', reason: 'an image in no class folder' });
    }
  }
  return { folders: folders.sort(), beside };
}

function leadsToFolderIn(link: string, root: string): boolean {
  try {
    const real = realpathSync(link);
    return real.startsWith(root.endsWith(sep) ? root : root + sep) && statSync(real).isDirectory();
  } catch {
    return false; // leads nowhere
  }
}

/** @returns Rows that are about no file. */
function addProbabilities(
  files: FolderFile[],
  matcher: FileMatcher,
  classes: readonly string[],
  votesFile: string,
): UnmatchedEntry[] {
  const unmatched: UnmatchedEntry[] = [];
  const votes = readVotes(votesFile, classes);
  const matched = new Map<number, Float32Array>();
  for (const [path, probabilities] of votes) {
    const index = matcher.find(path);
    if (index !== undefined) matched.set(index, probabilities);
    else if (!isThere(path)) unmatched.push({ list: votesFile, path });
  }
  if (matched.size === 0) {
    throw new FerError('DATA', `votes file ${votesFile} has no row for any image, such as ${files[0].path}`);
  }
  for (const [index, file] of files.entries()) {
    const folderClass = () => Float32Array.from(classes, (_, label) => (label === file.label ? 1 : 0));
    file.probabilities = matched.get(index) ?? folderClass();
  }
  return unmatched;
}

// --- and reading ---

/** Decodes under way at a time: sharp works on four threads, and the next four wait decoded. */
const AHEAD = 8;

function folderOf(
  classes: readonly string[],
  files: readonly FolderFile[],
  options: ImageFolderOptions,
  notes: Pick<ImageFolder, 'leftOut' | 'unmatched'>,
): ImageFolder {
  return {
    ...notes,
    classes,
    files,
    length: files.length,
    subset(indices) {
      const chosen = Array.from(indices, (index) => {
        if (files[index]) return files[index];
        throw new FerError('OPTION', `a folder of ${files.length} files has no index ${index}`);
      });
      return folderOf(classes, chosen, options, notes);
    },
    [Symbol.asyncIterator]: () => samples(files, options),
  };
}

async function* samples(
  files: readonly FolderFile[],
  options: ImageFolderOptions,
): AsyncGenerator<FolderSample, void, undefined> {
  const { unreadable = 'error', onUnreadable } = options;
  const limits = imageLimits(options);
  const underway: Promise<PixelImage>[] = [];
  for (let next = 0, current = 0; current < files.length; current++) {
    for (; next < files.length && underway.length < AHEAD; next++) {
      const decoding = decode(files[next].path, limits);
      decoding.catch(() => {}); // told when its turn comes, if it comes
      underway.push(decoding);
    }
    const { path, label, probabilities } = files[current];
    let image: PixelImage;
    try {
      image = await (underway.shift() as Promise<PixelImage>);
    } catch (error) {
      if (unreadable === 'error' || !(error instanceof FerError)) throw error;
      onUnreadable?.(path, error);
      continue;
    }
    yield { image, label: probabilities ?? label, file: path };
  }
}
