import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { FerError } from '../index.js';
import { type ImageFolder, type ImageFolderOptions, imageFolder, splitFolder } from '../node.js';
import { tellLeftOut } from './left-out.js';
import { errorLine } from './report-error.js';
import { tell } from './status-line.js';

/** Options on reading folders that several commands have. */
export interface DataFlags {
  exclude?: string;
  votes?: string;
  skipUnreadable?: true;
  quiet?: true;
}

/** Images to train, validate and test on. */
export interface DataFolders {
  train: ImageFolder;
  validation?: ImageFolder;
  test?: ImageFolder;
  /** Where each is from, in words. */
  names: { train: string; validation?: string; test?: string };
}

/**
 * Finds the images of a training. A folder that `split` made holds `train`, `val` and `test`; of a folder of class folders,
 * a tenth is held back for validation, unless one is named.
 *
 * @throws FerError `CLASSES` when a folder's classes are not the model's; and as `imageFolder` does.
 */
export function dataFolders(
  dir: string,
  flags: DataFlags & { val?: string | false; test?: string; seed: number },
  classes: readonly string[],
): DataFolders {
  const options = folderOptions(flags);
  const open = (path: string) => {
    const folder = withClasses(imageFolder(path, options), path, classes);
    tellLeftOut(folder, path, flags.quiet);
    return folder;
  };
  const trainDir = firstFolder(dir, ['train', 'training']);
  const { val = firstFolder(dir, ['val', 'valid', 'validation']), test = firstFolder(dir, ['test']) } = flags;
  const names = { train: trainDir ?? dir, validation: val || undefined, test };
  const validation = val ? open(val) : undefined;
  const rest = { validation, test: test === undefined ? undefined : open(test), names };
  const train = open(trainDir ?? dir);
  if (val === false || validation !== undefined) return { train, ...rest };

  const parts = splitFolder(trainDir ?? dir, { ...options, ratio: [0.9, 0.1], seed: flags.seed });
  const named = { ...names, train: `90% of ${names.train}`, validation: `10% of ${names.train}` };
  return { ...rest, train: parts.train, validation: parts.validation, names: named };
}

/** How a command reads folders, by its options. */
export function folderOptions({ exclude, votes, skipUnreadable }: DataFlags): ImageFolderOptions {
  return {
    exclude,
    votes,
    unreadable: skipUnreadable ? 'skip' : 'error',
    onUnreadable: (file, error) => tell(errorLine(error, file, { DECODE: 'left out' })),
  };
}

/** @throws FerError `CLASSES` when a folder's classes are not these. */
export function withClasses(folder: ImageFolder, path: string, classes: readonly string[]): ImageFolder {
  const strange = folder.classes.filter((name) => !classes.includes(name));
  if (strange.length > 0 || folder.classes.some((name, c) => name !== classes[c])) {
    throw new FerError(
      'CLASSES',
      `${path} has folders ${folder.classes.join(', ')}; the model's classes are ${classes.join(', ')}`,
    );
  }
  return folder;
}

// --- below this line: helpers of this file alone ---

function firstFolder(dir: string, names: readonly string[]): string | undefined {
  return names.map((name) => join(dir, name)).find((path) => existsSync(path));
}
