import type { ImageInput } from './input.js';

/** One labelled image, for training and evaluation. */
export interface Sample {
  image: ImageInput;
  /** The class index, or one probability a class. */
  label: number | ArrayLike<number>;
  /** Where the image came from, for messages. */
  file?: string;
}
