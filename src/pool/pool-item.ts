import type { DetectedFace } from '../classify/faces-on.js';
import type { Predictions } from '../classify/prediction.js';
import type { Emotion } from '../emotions.js';
import type { FerError } from '../errors.js';
import type { BlazeFaceOptions } from '../faces/blaze-face.js';
import type { Box } from '../image/box.js';
import type { PixelImage } from '../runtime.js';

/** An image that can be sent to a thread: a path, a `file:` URL, encoded bytes, or pixels. */
export type PoolImage = string | URL | Uint8Array | ArrayBuffer | PixelImage;

/**
 * An item of a pool: an image of one face, or an image with the box of the face; with `faces`, an image with any number of
 * faces, without a box.
 */
export type PoolItem = PoolImage | { image: PoolImage; box?: Box };

/** How a pool finds faces. */
export interface PoolFacesOptions extends Pick<BlazeFaceOptions, 'inputSize' | 'minScore'> {
  /**
   * Classify at most n faces of an image, largest first.
   * @default all
   */
  maxFaces?: number;
}

/** The answer for an item. An item that cannot be classified does not stop the others. */
export type PoolResult<
  Item extends PoolItem = PoolItem,
  C extends string = Emotion,
  Faces extends boolean | PoolFacesOptions = false,
> =
  | (Faces extends false
      ? { item: Item; predictions: Predictions<C>; faces?: undefined; error?: undefined }
      : { item: Item; faces: DetectedFace<C>[]; predictions?: undefined; error?: undefined })
  | { item: Item; predictions?: undefined; faces?: undefined; error: FerError };
