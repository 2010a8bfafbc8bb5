import { describeInput } from '../describe-input.js';
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

/** One image of a folder, before it is read. */
export interface FolderFile {
  /** The image's file; for a row of a data file, `<file>#<line>`. */
  path: string;
  /** Index of the class. */
  label: number;
  /** With `votes`: the label as probabilities, [classes]. */
  probabilities?: Float32Array;
  /** Reads an image that is not a file: a row of a CSV, a face in a photo. */
  read?: (limits: DecodeLimits) => Promise<PixelImage>;
}

/** A path in a list that matches no file. */
export interface UnmatchedEntry {
  /** The path of the list; `exclude` if the list was given as an array. */
  list: string;
  path: string;
}

/** Labelled images on disk. Each iteration reads them again, in the order of `files`, a few at a time. */
export interface ImageFolder extends AsyncIterable<FolderSample> {
  readonly classes: readonly string[];
  readonly files: readonly FolderFile[];
  /** Number of files. An iteration yields fewer if it skips unreadable ones. */
  readonly length: number;
  /** Files and folders that are not in `files`, with reasons; a part of a folder lists those of the whole folder. */
  readonly leftOut: readonly LeftOut[];
  /** Paths in the lists `exclude` and `votes` that match no file, in this folder or elsewhere. */
  readonly unmatched: readonly UnmatchedEntry[];
  /**
   * The same folder with some of its files, in the given order: to shuffle, to split, to take a few.
   *
   * @throws FerError `OPTION` for an index out of range.
   */
  subset(indices: ArrayLike<number>): ImageFolder;
}

/** Rules for the options of reading. */
export const readingRules: Rules<ReadingOptions> = {
  unreadable: oneOf('error', 'skip'),
  onUnreadable: callback,
  ...limitRules,
};

/**
 * Makes a folder from listed files. Files are read only during iteration.
 *
 * @param notes - What the listing left out.
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
      if (typeof indices?.length !== 'number') {
        throw new FerError('OPTION', `indices must be a list of indices, got ${describeInput(indices)}`);
      }
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
