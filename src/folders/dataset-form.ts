import type { DecodeLimits } from '../platform/image-limits.js';
import type { PixelImage } from '../runtime.js';
import type { LeftOut } from './walk-images.js';

/** The part of a data set that an image belongs to; '' if the data set has no parts. */
export type SplitName = 'train' | 'validation' | 'test' | '';

/** One image of a data set, with its part and label. */
export interface DatasetEntry {
  path: string;
  split: SplitName;
  /** The class name as in the data set, or votes or probabilities by such names. */
  label: string | Readonly<Record<string, number>>;
  /** Reads an image that is not a file, such as a row of a CSV. */
  read?: (limits: DecodeLimits) => Promise<PixelImage>;
}

/** The content of a data set. */
export interface DatasetContent {
  /** Name of the form: 'FER2013 (CSV)'. */
  form: string;
  entries: DatasetEntry[];
  /** Lines for `onNote`: images left out, and why. */
  notes?: string[];
  leftOut?: readonly LeftOut[];
}

/** A published form of data sets. Each form is one file in `forms/`. */
export interface DatasetForm {
  /** Description of such a data set, for the error that lists the known forms. */
  looks: string;
  /**
   * Lists a data set of this form; null for anything else.
   *
   * @param path - A file or folder that exists.
   * @throws FerError `DATA` for a damaged data set of this form; the message names the line.
   */
  open(path: string): Promise<DatasetContent | null>;
}
