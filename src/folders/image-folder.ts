import { type Dirent, readdirSync, realpathSync, statSync } from 'node:fs';
import { extname, join, relative, resolve, sep } from 'node:path';
import { EMOTIONS } from '../emotions.js';
import { FerError, reasonOf } from '../errors.js';
import { callback, either, listOf, oneOf, optionsOf, type Rules, text } from '../options.js';
import { imageLimits, limitRules } from '../platform/image-limits.js';
import { decode } from '../platform/node/decode.js';
import type { ImageLimits, PixelImage } from '../runtime.js';
import { readExclusions } from './exclusions.js';
import { readVotes } from './votes.js';

export interface ImageFolderOptions extends ImageLimits {
  /**
   * Class names in the order of their indices. Folders of other names are left out; each class needs a folder, which may
   * be empty.
   * @default EMOTIONS when all folders are named after emotions, else the folders' names, sorted
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
   * File name endings that count as images, in any case.
   * @default ['.jpg', '.jpeg', '.png', '.webp', '.avif', '.gif', '.tif', '.tiff']
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

/** Labelled images on disk. Each iteration reads them anew, in the order of `files`, a few ahead, never all at once. */
export interface ImageFolder extends AsyncIterable<FolderSample> {
  readonly classes: readonly string[];
  readonly files: readonly FolderFile[];
  /** Number of files. An iteration gives fewer when unreadable ones are skipped. */
  readonly length: number;
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
 * UTF-16 code units: the same on every machine. Hidden files and folders are left out, and so are links that lead
 * outside of `dir`.
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

  const root = realPath(dir);
  const folders = list(dir, dir, root).folders;
  if (folders.length === 0) throw new FerError('DATA', `${dir} has no class folders such as ${join(dir, 'happy')}`);
  const classes = classNames(dir, folders, options.classes);

  const endings = new Set((options.extensions ?? EXTENSIONS).map((ending) => ending.toLowerCase()));
  const excluded = typeof exclude === 'string' ? readExclusions(exclude) : new Set(exclude.map((f) => resolve(dir, f)));
  const files: FolderFile[] = [];
  classes.forEach((name, label) => {
    if (!folders.includes(name)) return;
    for (const path of imagesUnder(join(dir, name), root, endings)) {
      if (!excluded.has(resolve(path))) files.push({ path, label });
    }
  });
  if (files.length === 0) {
    const left = excluded.size > 0 ? ' that are not excluded' : '';
    throw new FerError('DATA', `${dir} has no images${left} in its class folders ${folders.join(', ')}`);
  }

  if (votes !== undefined) addProbabilities(files, classes, votes);
  return folderOf(classes, files, options);
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

const EXTENSIONS = ['.jpg', '.jpeg', '.png', '.webp', '.avif', '.gif', '.tif', '.tiff'];

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

/** Names in a folder, sorted; links are what they lead to, if that lies under the root. */
function list(dir: string, name: string, root: string): { folders: string[]; files: string[] } {
  let entries: Dirent[];
  try {
    entries = readdirSync(dir, { withFileTypes: true });
  } catch (error) {
    throw new FerError('NOT_FOUND', `${name} cannot be listed: ${reasonOf(error)}`, { cause: error });
  }
  const folders: string[] = [];
  const files: string[] = [];
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const kind = entry.isSymbolicLink() ? followed(join(dir, entry.name), root) : entry;
    if (kind?.isDirectory()) folders.push(entry.name);
    else if (kind?.isFile()) files.push(entry.name);
  }
  return { folders: folders.sort(), files: files.sort() };
}

function followed(link: string, root: string) {
  try {
    const real = realpathSync(link);
    return isInside(real, root) ? statSync(real) : null;
  } catch {
    return null; // leads nowhere
  }
}

function isInside(path: string, root: string): boolean {
  const way = relative(root, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && resolve(root, way) === path;
}

function imagesUnder(dir: string, root: string, endings: Set<string>): string[] {
  const found: string[] = [];
  const visit = (folder: string, above: string[]) => {
    const real = realpathSync(folder);
    if (above.includes(real)) return; // a link to a folder that holds it
    const { folders, files } = list(folder, folder, root);
    for (const file of files) if (endings.has(extname(file).toLowerCase())) found.push(join(folder, file));
    for (const name of folders) visit(join(folder, name), [...above, real]);
  };
  visit(dir, []);
  return found.sort();
}

function addProbabilities(files: FolderFile[], classes: readonly string[], votesFile: string) {
  const votes = readVotes(votesFile, classes);
  let matched = 0;
  for (const file of files) {
    const probabilities = votes.get(resolve(file.path));
    if (probabilities) matched++;
    file.probabilities = probabilities ?? Float32Array.from(classes, (_, index) => (index === file.label ? 1 : 0));
  }
  if (matched === 0) {
    throw new FerError('DATA', `votes file ${votesFile} has no row for any image, such as ${files[0].path}`);
  }
}

// --- and reading ---

/** Decodes under way at a time: sharp works on four threads, and the next four wait decoded. */
const AHEAD = 8;

function folderOf(classes: readonly string[], files: readonly FolderFile[], options: ImageFolderOptions): ImageFolder {
  return {
    classes,
    files,
    length: files.length,
    subset(indices) {
      const chosen = Array.from(indices, (index) => {
        if (files[index]) return files[index];
        throw new FerError('OPTION', `a folder of ${files.length} files has no index ${index}`);
      });
      return folderOf(classes, chosen, options);
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
