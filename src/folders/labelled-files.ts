import { FerError } from '../errors.js';
import { inOrder } from '../in-order.js';
import { callback, oneOf, type Rules } from '../options.js';
import { type DecodeLimits, imageLimits, limitRules } from '../platform/image-limits.js';
import { decode } from '../platform/node/decode.js';
import type { ImageLimits, PixelImage } from '../runtime.js';
import type { LeftOut } from './walk-images.js';

export interface ReadingOptions extends ImageLimits {
  /**
   * What to do with an image that cannot be read: `'error'` ends the iteration with its error, `'skip'` leaves the image out.
   * @default 'error'
   */
  unreadable?: 'error' | 'skip';
  /** Called with each image that `unreadable: 'skip'` leaves out. */
  onUnreadable?: (file: string, error: FerError) => void;
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
  /** The image's file; of a row of a data file, `<file>#<line>`. */
  path: string;
  /** Index of the class. */
  label: number;
  /** With `votes`: the label as probabilities, [classes]. */
  probabilities?: Float32Array;
  /** Reads an image that has no file of its own: a row of a CSV, a face on a photo. */
  read?: (limits: DecodeLimits) => Promise<PixelImage>;
}

/** A path of a list that no file has. */
export interface UnmatchedEntry {
  /** The list's own path; `exclude` for a list that was given as an array. */
  list: string;
  path: string;
}

/** Labelled images on disk. Each iteration reads them again, in the order of `files`, a few ahead, never all at once. */
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

/** The rules of the options of reading. */
export const readingRules: Rules<ReadingOptions> = {
  unreadable: oneOf('error', 'skip'),
  onUnreadable: callback,
  ...limitRules,
};

/**
 * Makes a folder of files that have been listed. Nothing is read before iteration.
 *
 * @param notes - What was left out when they were listed.
 */
export function labelledFiles(
  classes: readonly string[],
  files: readonly FolderFile[],
  options: ReadingOptions,
  { leftOut, unmatched }: Pick<ImageFolder, 'leftOut' | 'unmatched'> = { leftOut: [], unmatched: [] },
): ImageFolder {
  return {
    leftOut,
    unmatched,
    classes,
    files,
    length: files.length,
    subset(indices) {
      const chosen = Array.from(indices, (index) => {
        if (files[index]) return files[index];
        throw new FerError('OPTION', `a folder of ${files.length} files has no index ${index}`);
      });
      return labelledFiles(classes, chosen, options, { leftOut, unmatched });
    },
    [Symbol.asyncIterator]: () => samples(files, options),
  };
}

async function* samples(
  files: readonly FolderFile[],
  options: ReadingOptions,
): AsyncGenerator<FolderSample, void, undefined> {
  const { unreadable = 'error', onUnreadable } = options;
  const limits = imageLimits(options);
  const read = async (file: FolderFile) => file.read?.(limits) ?? decode(file.path, limits);
  for await (const { item, result: image, error } of inOrder(files, read)) {
    const { path, label, probabilities } = item;
    if (image === undefined) {
      if (unreadable === 'error' || !(error instanceof FerError)) throw error;
      onUnreadable?.(path, error);
      continue;
    }
    yield { image, label: probabilities ?? label, file: path };
  }
}
