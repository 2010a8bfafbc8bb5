import type { Tensor4D } from '@tensorflow/tfjs-core';
import { boxRule } from '../image/box.js';
import type { ImageInput } from '../image/input.js';
import { normalizationRule } from '../image/normalize.js';
import { type ToInputOptions, toInput } from '../image/to-input.js';
import { frameRule } from '../image/to-pixels.js';
import { loadTfjs } from '../load-tfjs.js';
import { anything, optionsOf } from '../options.js';
import { limitRules } from '../platform/image-limits.js';

export interface PreprocessOptions extends Omit<ToInputOptions, 'out'> {}

/**
 * Reads images into the tensor that the network takes: upright, alpha on black, BT.601 luma (or RGB), antialiased
 * triangle resize, normalised. The same pixels give the same tensor in Node and in browsers.
 *
 * @param input - An image, or a list of them: one row each.
 * @returns Shape [n, size, size, channels]; yours to dispose.
 * @throws FerError `INPUT`, `NOT_FOUND`, `DECODE`, `TOO_LARGE`, `SHAPE`, `CHANNELS`, `NOT_FINITE`, `DISPOSED` or
 * `OPTION`: see `toPixels` and `resample`. No tensor is left behind.
 * @see `resample` and `normalize` for the formulas and their sources
 * @example
 * const xs = await preprocess(['a.jpg', 'b.png'], { normalization: 'standardize' }); // [2, 32, 32, 1]
 */
export async function preprocess(
  input: ImageInput | readonly ImageInput[],
  options: PreprocessOptions = {},
): Promise<Tensor4D> {
  checkOptions(options);
  const { size = 32, channels = 1 } = options;
  const values = await toInput(input, options);
  const { currentBackend, tensor4d } = await loadTfjs();
  await currentBackend();
  return tensor4d(values, [values.length / (size * size * channels), size, size, channels]);
}

/** `size` and `channels` are checked later, with the image. */
const checkOptions = optionsOf<PreprocessOptions>('preprocess', () => ({
  normalization: normalizationRule,
  channels: anything,
  size: anything,
  box: boxRule,
  frame: frameRule,
  ...limitRules,
}));
