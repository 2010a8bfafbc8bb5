import { FerError } from '../errors.js';
import type { ImageInput } from './input.js';
import { isList } from './is-list.js';
import type { Raster } from './pixels.js';
import { type PixelsToInputOptions, pixelsToInput } from './pixels-to-input.js';
import { readRows } from './read-rows.js';
import { type ToPixelsOptions, toPixels } from './to-pixels.js';

export interface ToInputOptions extends PixelsToInputOptions, ToPixelsOptions {}

/**
 * Reads images and turns them into the network's input, without TF.js: like `preprocess`, but with plain arrays.
 *
 * Several images of a list are read at a time, and each is reduced immediately, so that memory does not grow with the list.
 *
 * @returns Shape [n, size, size, channels], n = 1 for a single image, which is written to `out` if given.
 * @throws FerError as `toPixels` and `pixelsToInput`, and `INPUT` for an empty list. For a list, the message starts with
 * the index of the image.
 * @example
 * const inputs = await toInput(['a.jpg', 'b.png']); // Float32Array, 2 * 32 * 32
 */
export async function toInput(
  input: ImageInput | readonly ImageInput[],
  options: ToInputOptions = {},
): Promise<Float32Array<ArrayBuffer>> {
  if (!isList(input)) return pixelsToInput(await toPixels(input, options), options);
  if (input.length === 0) throw new FerError('INPUT', 'the list of images is empty');

  let inputs: Float32Array<ArrayBuffer> | undefined;
  const reduce = (pixels: Raster) => pixelsToInput(pixels, { ...options, out: undefined });
  let index = 0;
  try {
    for await (const { item, row } of readRows(input.keys(), (i) => input[i], reduce, options)) {
      inputs ??= new Float32Array(input.length * row!.length);
      inputs.set(row!, item * row!.length);
      index = item + 1;
    }
  } catch (error) {
    if (!(error instanceof FerError)) throw error;
    throw new FerError(error.code, `image ${index}: ${error.message}`, { cause: error });
  }
  return inputs!;
}
