import { inOrder, type Settled } from '../in-order.js';
import type { ImageInput } from './input.js';
import type { Raster } from './pixels.js';
import { type ToPixelsOptions, toPixels } from './to-pixels.js';

/**
 * Reads the images of many items, several at a time, and gives what each is reduced to, in the items' order. An image is
 * reduced as soon as it is decoded, so that memory does not grow with the list. `preprocess`, `train` and `evaluate` read
 * their images by this alone.
 *
 * @param imageOf - The image of an item; undefined for an item that has none, whose result is undefined.
 * @param reduce - Turns pixels into what is kept of them: the network's input, for one.
 * @param options - Limits of the images.
 * @returns For each item the result, or the error that its image gave.
 */
export function readRows<Item, Row>(
  items: Iterable<Item> | AsyncIterable<Item>,
  imageOf: (item: Item) => ImageInput | undefined,
  reduce: (pixels: Raster) => Row,
  options: ToPixelsOptions = {},
): AsyncGenerator<Settled<Item, Row | undefined>, void, undefined> {
  const read = async (item: Item) => {
    const image = imageOf(item);
    return image === undefined ? undefined : reduce(await toPixels(image, options));
  };
  return inOrder(items, read, READERS);
}

/** Images under way at a time: Node decodes on four threads. */
const READERS = 4;
