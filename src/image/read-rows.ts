import { inOrder } from '../in-order.js';
import type { ImageInput } from './input.js';
import type { Raster } from './pixels.js';
import { type ToPixelsOptions, toPixels } from './to-pixels.js';

/** Marks an item without an image. */
export const NO_IMAGE = Symbol('no image');

/** An item with the row that was made from its image. */
export interface ReadRow<Item, Row> {
  item: Item;
  /** Undefined for an item without an image. */
  row: Row | undefined;
}

/**
 * Reads the images of many items, several at a time, and yields the row of each, in the order of the items. An image is reduced
 * as soon as it is decoded, so that memory does not grow with the list. `preprocess`, `train` and `evaluate` all read their
 * images here.
 *
 * @param imageOf - The image of an item, or {@link NO_IMAGE}.
 * @param reduce - Turns pixels into the row, such as the network's input.
 * @param options - Limits for the images.
 * @throws The error of the first image in order that fails. After a failure, no further image is started, and running ones are
 * awaited.
 */
export async function* readRows<Item, Row>(
  items: Iterable<Item> | AsyncIterable<Item>,
  imageOf: (item: Item) => ImageInput | typeof NO_IMAGE,
  reduce: (pixels: Raster) => Row,
  options: ToPixelsOptions = {},
): AsyncGenerator<ReadRow<Item, Row>, void, undefined> {
  let failed = false;
  async function* untilOneFails() {
    for await (const item of items) {
      if (failed) return;
      yield item;
    }
  }
  async function read(item: Item): Promise<Row | undefined> {
    try {
      const image = imageOf(item);
      return image === NO_IMAGE ? undefined : reduce(await toPixels(image, options));
    } catch (error) {
      failed = true;
      throw error;
    }
  }

  let first: { error: unknown } | undefined;
  for await (const { item, result: row, error } of inOrder(untilOneFails(), read, READERS)) {
    if (error !== undefined) first ??= { error };
    else if (first === undefined) yield { item, row };
  }
  if (first !== undefined) throw first.error;
}

/** Images that are read at the same time: Node decodes on four threads. */
const READERS = 4;
