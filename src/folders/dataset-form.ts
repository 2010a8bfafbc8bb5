import type { DecodeLimits } from '../platform/image-limits.js';
import type { PixelImage } from '../runtime.js';
import type { LeftOut } from './walk-images.js';

/** The part of a data set that an image belongs to; '' where the data set has no parts. */
export type SplitName = 'train' | 'validation' | 'test' | '';

/** One image of a data set, with its part and label. */
export interface DatasetEntry {
  path: string;
  split: SplitName;
  /** The class by the form's own name, or votes or probabilities by such names. */
  label: string | Readonly<Record<string, number>>;
  /** Reads an image that has no file of its own, such as a row of a CSV. */
  read?: (limits: DecodeLimits) => Promise<PixelImage>;
}

/** The content of a data set of one form. */
export interface DatasetContent {
  /** Name of the form: 'FER2013 (CSV)'. */
  form: string;
  entries: DatasetEntry[];
  /** Lines for `onNote`: images left out, and why. */
  notes?: string[];
  leftOut?: readonly LeftOut[];
}

/** One form in which data sets are published: one file, one of these. */
export interface DatasetForm {
  /** Description of such a data set, for the error that lists the known forms. */
  looks: string;
  /**
   * Lists a data set of this form; null for anything else.
   *
   * @param path - A file or folder that exists.
   * @throws FerError `DATA` for one of this form that is damaged, naming the line.
   */
  open(path: string): Promise<DatasetContent | null>;
}
