import type { Prediction } from '../classify/prediction.js';
import type { Emotion } from '../emotions.js';
import type { FerError } from '../errors.js';
import type { Box } from '../image/box.js';
import type { PixelImage } from '../runtime.js';

/** An image as a thread can be given it: a path, a `file:` URL, encoded bytes, or pixels. */
export type PoolImage = string | URL | Uint8Array | ArrayBuffer | PixelImage;

/** What a pool takes: an image of one face, or an image and the face's place in it. */
export type PoolItem = PoolImage | { image: PoolImage; box?: Box };

/** What became of an item. One that cannot be classified does not stop the others. */
export type PoolResult<Item extends PoolItem = PoolItem, C extends string = Emotion> =
  | { item: Item; predictions: Prediction<C>[]; error?: undefined }
  | { item: Item; predictions?: undefined; error: FerError };
