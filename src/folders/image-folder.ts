import { type Dirent, readdirSync, realpathSync, statSync } from 'node:fs';
import { extname, join, resolve, sep } from 'node:path';
import { FerError, reasonOf } from '../errors.js';
import { either, listOf, optionsOf, type Rules, text } from '../options.js';
import { readExclusions } from './exclusions.js';
import { fileMatcher, isThere } from './file-matcher.js';
import {
  type FolderFile,
  type ImageFolder,
  labelledFiles,
  type ReadingOptions,
  readingRules,
  type UnmatchedEntry,
} from './labelled-files.js';
import { type ClassNameOptions, classNameRules, type NamedClasses, namedClasses } from './named-classes.js';
import { realFolder } from './real-folder.js';
import { readVotes } from './votes.js';
import { IMAGE_ENDINGS, isSystemFolder, type LeftOut, walkImages } from './walk-images.js';

export interface ImageFolderOptions extends ReadingOptions, ClassNameOptions {
  /**
   * Class names in the order of their indices. Folders of other names are left out; each class needs a folder, which may
   * be empty.
   * @default EMOTIONS when all folders with images are named after emotions, otherwise the folder names: EMOTIONS first, then by alphabet
   */
  classes?: readonly string[];
  /**
   * Path of a CSV file of votes or probabilities, `file,<class>,<class>,...`, with paths relative to it. Labels are
   * then probabilities; images without a row, or without votes for any class, get probability 1 for the class of their folder.
   */
  votes?: string;
  /**
   * Files to leave out, as absolute paths or relative to the folder; or the path of a list, such as
   * `fer-dcnn check --fix` writes: one path per line, relative to the list; `#` starts a comment.
   * @default none
   */
  exclude?: string | readonly string[];
  /**
   * File name endings of images, upper or lower case. Files with other endings are left out, even if they contain images.
   * @default the endings of supported formats; files with another ending or none are recognised by content
   */
  extensions?: readonly string[];
}

/**
 * Lists the images of a folder with one folder per class: `dir/happy/a.jpg`. Images are decoded only during iteration.
 *
 * Folders without images, and folders of operating systems (`__MACOSX`), are not classes. Common names of emotions are
 * accepted (`aliases`), so several folders may belong to one class.
 *
 * Folders inside a class folder belong to that class. Files are sorted by class index, then by path, in the order of
 * UTF-16 code units: the same on every machine. Each file is listed once, even if several links lead to it. These are
 * left out: hidden files and folders, links that lead outside `dir`, folders without an image, and folders of operating
 * systems, such as `__MACOSX`. `leftOut` lists them with reasons.
 *
 * @throws FerError `NOT_FOUND` when `dir` is not a folder or the list `exclude` is missing; `DATA` when there are no class folders or no images, or for a
 * votes file of another shape or about other images; `CLASSES` for class names that repeat or have no folder; `OPTION`.
 * Iterating throws the errors of decoding; the message names the file.
 * @example
 * const faces = imageFolder('faces/train', { votes: 'faces/votes.csv' });
 * for await (const { image, label, file } of faces) console.log(file, image.width, label);
 */
export function imageFolder(dir: string, options: ImageFolderOptions = {}): ImageFolder {
  text(dir, 'dir');
  checkOptions(options);
  const { exclude = [], votes } = options;

  const { folders, images, leftOut } = listed(dir, options);
  const all = [...images].flatMap(([name, paths]) => paths.map((path) => ({ name, path })));
  const { find } = fileMatcher(all.map(({ path }) => path));
  const excluded = typeof exclude === 'string' ? readExclusions(exclude) : exclude.map((file) => resolve(dir, file));
  const skipped = new Set<string>();
  const unmatched: UnmatchedEntry[] = [];
  for (const path of excluded) {
    const index = find(path);
    if (index !== undefined) skipped.add(all[index].path);
    else if (!isThere(path)) unmatched.push({ list: typeof exclude === 'string' ? exclude : 'exclude', path });
  }
  for (const path of skipped) leftOut.push({ path, kind: 'excluded', reason: 'excluded' });

  const counts = new Map(folders.map((name) => [name, 0]));
  for (const { name, path } of all) if (!skipped.has(path)) counts.set(name, counts.get(name)! + 1);
  const named = namedClasses(counts, options, dir, options.classes);
  const missing = (options.classes ?? []).filter((_, c) => !folders.some((name) => named.indexOf(name) === c));
  if (missing.length > 0 && options.keep === undefined) {
    throw new FerError('CLASSES', `${dir} has no folder ${missing.join(', ')}; it has ${folders.join(', ')}`);
  }
  for (const [name, paths] of images) {
    if (paths.length > 0 || named.indexOf(name) >= 0) continue;
    leftOut.push({ path: join(dir, name), kind: 'empty', reason: 'a folder without an image' });
  }
  const labelled: FolderFile[] = all
    .map(({ name, path }) => ({ path, label: named.indexOf(name) }))
    .filter(({ label }) => label >= 0)
    .sort((a, b) => a.label - b.label || (a.path < b.path ? -1 : 1));
  if (labelled.every(({ path }) => skipped.has(path))) {
    const left = skipped.size > 0 ? ' that are not excluded' : '';
    throw new FerError('DATA', `${dir} has no images${left} in its class folders ${folders.join(', ')}`);
  }

  if (votes !== undefined) unmatched.push(...addProbabilities(labelled, named, votes));
  const files = labelled.filter(({ path }) => !skipped.has(path));
  return labelledFiles(named.classes, files, options, { leftOut, unmatched });
}

/** Rules for the options of a folder. */
export const imageFolderRules = (): Rules<ImageFolderOptions> => ({
  ...readingRules,
  ...classNameRules,
  classes: listOf(text, 'a list of names'),
  votes: text,
  exclude: either(text, listOf(text, 'a list of paths, or the path of a list')),
  extensions: listOf(text, 'a list of file name endings'),
});

const checkOptions = optionsOf<ImageFolderOptions>('imageFolder', imageFolderRules);

/** Names of class folders, the images of each, and what is left out. With `classes`, other folders are not read. */
function listed(dir: string, options: ImageFolderOptions) {
  const root = realFolder(dir);
  const { folders, beside } = foldersIn(dir, root);
  if (folders.length === 0) throw new FerError('DATA', `${dir} has no class folders such as ${join(dir, 'happy')}`);
  const tops = topsOf(dir, folders, options);
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
  return { folders, images, leftOut };
}

/** All folders if `keep` is given: the images that it leaves out are counted. */
function topsOf(dir: string, folders: string[], options: ImageFolderOptions): string[] {
  if (options.classes === undefined || options.keep !== undefined) return folders;
  const unseen = new Map(folders.map((name) => [name, 0]));
  const { indexOf } = namedClasses(unseen, { ...options, onNote: () => {} }, dir, options.classes);
  return folders.filter((name) => indexOf(name) >= 0);
}

/** Folders in a folder, sorted, and the images beside them. */
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
    return false; // a broken link
  }
}

/** @returns Rows that match no file. */
function addProbabilities(
  files: FolderFile[],
  { classes, indexOf }: NamedClasses,
  votesFile: string,
): UnmatchedEntry[] {
  const unmatched: UnmatchedEntry[] = [];
  const votes = readVotes(votesFile, classes, indexOf);
  const matcher = fileMatcher(files.map(({ path }) => path));
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
