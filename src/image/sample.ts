import type { ImageInput } from './input.js';

/** One labelled image, for training and evaluation. */
export interface Sample {
  image: ImageInput;
  /** The class index, or one probability per class. */
  label: number | ArrayLike<number>;
  /**
   * For training: probabilities for each of n fixed augmented views of the image, such as a larger network's predictions.
   * Epoch e then uses view (e - 1) mod n; n must be the same for all samples. Without augmentation they are
   * ignored.
   */
  viewLabels?: readonly ArrayLike<number>[];
  /** The origin of the image, for messages. */
  file?: string;
}
