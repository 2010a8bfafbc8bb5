import { type Dirent, readdirSync, realpathSync, statSync } from 'node:fs';
import { extname, join, relative, resolve, sep } from 'node:path';
import { checkClassNames } from '../class-names.js';
import { FerError, reasonOf } from '../errors.js';
import { readExclusions } from './exclusions.js';
import {
  checkReading,
  type FolderFile,
  type ImageFolder,
  labelledFiles,
  type ReadingOptions,
} from './labelled-files.js';
import { type ClassNameOptions, type NamedClasses, namedClasses } from './named-classes.js';
import { readVotes } from './votes.js';

export interface ImageFolderOptions extends ReadingOptions, ClassNameOptions {
  /**
   * Class names in the order of their indices. Folders of other names are left out; each class needs a folder, which may
   * be empty.
   * @default EMOTIONS when all folders with images are named after emotions, else their names: EMOTIONS first, then by alphabet
   */
  classes?: readonly string[];
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

/**
 * Lists the images of a folder that holds one folder a class: `dir/happy/a.jpg`. Nothing is decoded before iteration.
 *
 * Folders without images, and those that systems leave behind (`__MACOSX`), are no class. Common names of emotions are
 * understood (`aliases`), and several folders may stand for one class.
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
  const { exclude = [], votes } = options;
  checkReading(options);

  const root = realPath(dir);
  const folders = list(dir, dir, root).folders;
  if (folders.length === 0) throw new FerError('DATA', `${dir} has no class folders such as ${join(dir, 'happy')}`);
  if (options.classes !== undefined) checkClassNames(options.classes);

  const endings = new Set((options.extensions ?? EXTENSIONS).map((ending) => ending.toLowerCase()));
  const excluded = typeof exclude === 'string' ? readExclusions(exclude) : new Set(exclude.map((f) => resolve(dir, f)));
  const images = new Map(
    folders
      .filter((name) => options.classes?.includes(name) || !FOREIGN.test(name))
      .map((name) => [
        name,
        imagesUnder(join(dir, name), root, endings).filter((path) => !excluded.has(resolve(path))),
      ]),
  );
  const counts = new Map([...images].map(([name, paths]) => [name, paths.length]));
  const named = namedClasses(counts, options, dir, options.classes);
  const { classes } = named;
  const missing = (options.classes ?? []).filter((_, c) => !folders.some((name) => named.indexOf(name) === c));
  if (missing.length > 0 && options.keep === undefined) {
    throw new FerError('CLASSES', `${dir} has no folder ${missing.join(', ')}; it has ${folders.join(', ')}`);
  }
  const files: FolderFile[] = [...images]
    .flatMap(([name, paths]) => paths.map((path) => ({ path, label: named.indexOf(name) })))
    .filter(({ label }) => label >= 0)
    .sort((a, b) => a.label - b.label || (a.path < b.path ? -1 : 1));
  if (files.length === 0) {
    const left = excluded.size > 0 ? ' that are not excluded' : '';
    throw new FerError('DATA', `${dir} has no images${left} in its class folders ${folders.join(', ')}`);
  }

  if (votes !== undefined) addProbabilities(files, named, votes);
  return labelledFiles(classes, files, options);
}

// --- below this line: listing ---

const EXTENSIONS = ['.jpg', '.jpeg', '.png', '.webp', '.avif', '.gif', '.tif', '.tiff'];

/** Folders that systems and tools leave behind. */
const FOREIGN = /^(__macosx|__pycache__|@eadir|\$recycle\.bin|system volume information|lost\+found)$/i;

function realPath(dir: string): string {
  try {
    const real = realpathSync(dir);
    if (statSync(real).isDirectory()) return real;
  } catch (error) {
    throw new FerError('NOT_FOUND', `${dir} cannot be found: ${reasonOf(error)}`, { cause: error });
  }
  throw new FerError('NOT_FOUND', `${dir} is not a folder`);
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

function addProbabilities(files: FolderFile[], { classes, indexOf }: NamedClasses, votesFile: string) {
  const votes = readVotes(votesFile, classes, indexOf);
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
