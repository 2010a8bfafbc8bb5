import type { ImageInput } from './input.js';

/** One labelled image, for training and evaluation. */
export interface Sample {
  image: ImageInput;
  /** The class index, or one probability a class. */
  label: number | ArrayLike<number>;
  /**
   * For training: probabilities for each of some fixed augmented views of the image, such as a larger network's answers
   * to them. Epoch e then takes view (e - 1) mod n, n being the number of views, the same for all samples. Without
   * augmentation they count for nothing.
   */
  viewLabels?: readonly ArrayLike<number>[];
  /** Where the image came from, for messages. */
  file?: string;
}
