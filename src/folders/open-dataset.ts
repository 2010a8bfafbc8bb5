import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { FerError, reasonOf } from '../errors.js';
import { either, listOf, optionsOf, text } from '../options.js';
import type { DatasetEntry, DatasetForm, SplitName } from './dataset-form.js';
import { readExclusions } from './exclusions.js';
import { fileMatcher, isThere } from './file-matcher.js';
import { affectNet } from './forms/affectnet.js';
import { expw } from './forms/expw.js';
import { fer2013 } from './forms/fer2013.js';
import { csvList, jsonLinesList } from './forms/list-file.js';
import { ckPlus, jaffe, kdef } from './forms/named-files.js';
import { rafDb } from './forms/raf-db.js';
import { classFolders } from './forms/split-folders.js';
import {
  type FolderFile,
  type ImageFolder,
  labelledFiles,
  type ReadingOptions,
  readingRules,
  type UnmatchedEntry,
} from './labelled-files.js';
import { type ClassNameOptions, classNameRules, namedClasses } from './named-classes.js';
import type { LeftOut } from './walk-images.js';

export interface OpenDatasetOptions extends ReadingOptions, ClassNameOptions {
  /**
   * Images to leave out, as paths; or the path of a list, such as `fer-dcnn check --fix` writes.
   * @default none
   */
  exclude?: string | readonly string[];
}

/** A data set in its published form, ready for training and evaluation. */
export interface Dataset {
  /** Name of the recognised form. */
  form: string;
  /** Names of the classes, the same in all parts. */
  classes: readonly string[];
  /** All images. */
  all: ImageFolder;
  /** The parts of the data set, if it has parts. */
  train?: ImageFolder;
  validation?: ImageFolder;
  test?: ImageFolder;
}

/**
 * Opens a data set as it was downloaded: `fer2013.csv`, FER+, folders of classes, RAF-DB, AffectNet, CK+, JAFFE, KDEF, ExpW, a CSV
 * or JSON lines of files and labels. The form is recognised by content. Only the list is read; the images
 * are read one by one when a part is iterated.
 *
 * @throws FerError `NOT_FOUND`; `DATA` for an unknown form, with a list of the known ones, and for a damaged file; `CLASSES`
 * if `keep` or `map` name classes that do not occur; `OPTION`.
 * @example
 * const { train: faces, validation } = await openDataset('fer2013.csv', { keep: ['angry', 'happy', 'sad', 'neutral', 'surprised'] });
 * await train(buildModel(), faces, { validationData: validation });
 */
export async function openDataset(path: string, options: OpenDatasetOptions = {}): Promise<Dataset> {
  text(path, 'path');
  checkOptions(options);
  try {
    const kind = statSync(path);
    if (!kind.isFile() && !kind.isDirectory()) throw new Error('it is neither a file nor a folder');
  } catch (error) {
    throw new FerError('NOT_FOUND', `${path} cannot be opened: ${reasonOf(error)}`, { cause: error });
  }
  const { form, entries, notes = [], leftOut = [] } = await contentOf(path);
  const { exclude = [] } = options;
  const { find } = fileMatcher(entries.map((entry) => entry.path));
  const excluded = typeof exclude === 'string' ? readExclusions(exclude) : exclude.map((each) => resolve(each));
  const skipped = new Set<number>();
  const unmatched: UnmatchedEntry[] = [];
  for (const each of excluded) {
    const index = find(each);
    if (index !== undefined) skipped.add(index);
    else if (!isThere(each)) unmatched.push({ list: typeof exclude === 'string' ? exclude : 'exclude', path: each });
  }
  const kept = entries.filter((_, index) => !skipped.has(index));
  if (kept.length === 0)
    throw new FerError(
      'DATA',
      `${path} (${form}) contains no images${skipped.size > 0 ? ' that are not excluded' : ''}`,
    );
  const left: LeftOut[] = [...leftOut];
  for (const index of skipped) left.push({ path: entries[index].path, kind: 'excluded', reason: 'excluded' });

  // Names that occur only in votes are classes too.
  const counts = new Map<string, number>();
  for (const { label } of kept) {
    if (typeof label === 'string') counts.set(label, (counts.get(label) ?? 0) + 1);
    else
      for (const name of Object.keys(label)) counts.set(name, (counts.get(name) ?? 0) + Number(name === leader(label)));
  }
  const voted = kept.some(({ label }) => typeof label !== 'string');
  const occurring = voted ? new Map([...counts].map(([name, count]) => [name, Math.max(1, count)])) : counts;
  const named = namedClasses(occurring, options, path);
  const { classes } = named;
  for (const note of notes) options.onNote?.(note);

  const files: (FolderFile & { split: SplitName })[] = [];
  for (const { label, split, path: file, read } of kept) {
    const found = labelOf(label, classes, named.indexOf);
    if (found !== null) files.push({ path: file, split, read, ...found });
  }
  const part = (split?: SplitName) => {
    const own = files.filter((file) => split === undefined || file.split === split);
    return own.length === 0 ? undefined : labelledFiles(classes, own, options, { leftOut: left, unmatched });
  };
  const all = part();
  if (all === undefined) throw new FerError('DATA', `${path} (${form}) contains no images of ${classes.join(', ')}`);
  return { form, classes, all, train: part('train'), validation: part('validation'), test: part('test') };
}

const checkOptions = optionsOf<OpenDatasetOptions>('openDataset', () => ({
  ...readingRules,
  ...classNameRules,
  exclude: either(text, listOf(text, 'a list of paths, or the path of a list')),
}));

/** Whether a path holds class folders, directly or in train, validation and test, and is not another form. */
export async function isClassFolders(path: string): Promise<boolean> {
  try {
    if (!statSync(path).isDirectory()) return false;
  } catch {
    // Missing or not a path: opening it reports the error.
    return false;
  }
  for (const form of FORMS) {
    if (form !== classFolders && (await form.open(path)) !== null) return false;
  }
  return true;
}

/** In the order of trying: the most specific forms first. */
const FORMS: readonly DatasetForm[] = [
  ...[fer2013, rafDb, expw, affectNet, ckPlus, csvList, jsonLinesList, jaffe, kdef, classFolders],
];

async function contentOf(path: string) {
  let failed: unknown;
  for (const form of FORMS) {
    try {
      const content = await form.open(path);
      if (content !== null) return content;
    } catch (error) {
      if (form !== classFolders) throw error;
      failed = error;
    }
  }
  const reason = failed instanceof FerError ? `: ${failed.message}` : '';
  throw new FerError(
    'DATA',
    `${path} is not a data set of a known form${reason}. Known forms are ${FORMS.map(({ looks }) => looks).join('; ')}`,
    {
      cause: failed,
    },
  );
}

function leader(votes: Readonly<Record<string, number>>): string {
  return Object.entries(votes).reduce((best, each) => (each[1] > best[1] ? each : best))[0];
}

/** The class index, or probabilities over the kept classes; null if no kept class remains. */
function labelOf(
  label: DatasetEntry['label'],
  classes: readonly string[],
  indexOf: (name: string) => number,
): Pick<FolderFile, 'label' | 'probabilities'> | null {
  if (typeof label === 'string') return indexOf(label) < 0 ? null : { label: indexOf(label) };
  const sums = new Float64Array(classes.length);
  for (const [name, votes] of Object.entries(label)) if (indexOf(name) >= 0) sums[indexOf(name)] += votes;
  const total = sums.reduce((sum, votes) => sum + votes, 0);
  // If most voters chose a class that is left out, the image is left out too.
  if (indexOf(leader(label)) < 0 || !(total > 0)) return null;
  return { label: sums.indexOf(Math.max(...sums)), probabilities: Float32Array.from(sums, (votes) => votes / total) };
}
