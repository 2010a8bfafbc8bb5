import type { DecodeLimits } from '../platform/image-limits.js';
import type { PixelImage } from '../runtime.js';
import type { LeftOut } from './walk-images.js';

/** The part of a data set that an image belongs to; '' where the data set has no parts. */
export type SplitName = 'train' | 'validation' | 'test' | '';

/** One image of a data set, and what its form says of it. */
export interface DatasetEntry {
  path: string;
  split: SplitName;
  /** The class by the form's own name, or votes or probabilities by such names. */
  label: string | Readonly<Record<string, number>>;
  /** Reads what is no file of its own. */
  read?: (limits: DecodeLimits) => Promise<PixelImage>;
}

/** What a form finds. */
export interface DatasetContent {
  /** What it is, in words: 'FER2013 (CSV)'. */
  form: string;
  entries: DatasetEntry[];
  /** What is told of it: images left out, and why. */
  notes?: string[];
  leftOut?: readonly LeftOut[];
}

/** One form in which data sets are published: one file, one of these. */
export interface DatasetForm {
  /** How such a data set looks, for the list of those that are known. */
  looks: string;
  /**
   * Lists a data set of this form; null for anything else.
   *
   * @param path - A file or folder that exists.
   * @throws FerError `DATA` for one of this form that is damaged, naming the line.
   */
  open(path: string): Promise<DatasetContent | null>;
}
