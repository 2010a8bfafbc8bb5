import { FerError } from '../errors.js';
import type { ImageInput } from './input.js';
import { isList } from './is-list.js';
import { type PixelsToInputOptions, pixelsToInput } from './pixels-to-input.js';
import { type ToPixelsOptions, toPixels } from './to-pixels.js';

export interface ToInputOptions extends PixelsToInputOptions, ToPixelsOptions {}

/**
 * Reads images and turns them into the network's input, without TF.js: what `preprocess` does, as plain numbers.
 *
 * A list is read four images at a time, and each is reduced before the next is read: memory does not grow with the list.
 *
 * @returns Shape [n, size, size, channels], n = 1 for a single image; for that, `out` where it is given.
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

  const { size = 32, channels = 1 } = options;
  const rows: Float32Array[] = [];
  let next = 0;
  const readOn = async () => {
    while (next < input.length) {
      const index = next++;
      try {
        rows[index] = pixelsToInput(await toPixels(input[index], options), { ...options, out: undefined });
      } catch (error) {
        next = input.length;
        throw error instanceof FerError
          ? new FerError(error.code, `image ${index}: ${error.message}`, { cause: error })
          : error;
      }
    }
  };
  const readers = await Promise.allSettled(Array.from({ length: READERS }, readOn));
  for (const reader of readers) if (reader.status === 'rejected') throw reader.reason;

  const inputs = new Float32Array(rows.length * size * size * channels);
  rows.forEach((row, index) => {
    inputs.set(row, index * row.length);
  });
  return inputs;
}

/** Images in memory at a time: Node decodes on four threads. */
const READERS = 4;
