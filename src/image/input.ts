import type { BlobLike, Drawable, ImageDataLike, UrlLike } from '../global-types.js';
import type { PixelImage } from '../runtime.js';

/**
 * All accepted forms of an image.
 *
 * | kind | where |
 * | --- | --- |
 * | path or `file:` URL of a JPEG, PNG, WebP, AVIF, GIF or TIFF file | Node |
 * | `Buffer`, `Uint8Array`, `ArrayBuffer` or `Blob` with such a file's bytes | everywhere; in browsers, the formats of the browser |
 * | `<img>`, `<canvas>`, `<video>`, `OffscreenCanvas`, `ImageBitmap`, `VideoFrame` | browsers |
 * | `ImageData`, {@link PixelImage}, {@link PixelTensor} such as `tf.Tensor3D` | everywhere |
 */
export type ImageInput =
  | string
  | UrlLike
  | Uint8Array
  | ArrayBuffer
  | BlobLike
  | Drawable
  | ImageDataLike
  | PixelImage
  | PixelTensor;

/**
 * The parts of a `tf.Tensor3D` that are used: shape [height, width, 1, 3 or 4], dtype float32 or int32, values on the 0..255
 * scale. The caller disposes the tensor. Declared here so that code without TF.js does not need its types.
 */
export interface PixelTensor {
  readonly shape: [number, number, number];
  readonly dtype: string;
  readonly isDisposed: boolean;
  data(): Promise<Float32Array | Int32Array | Uint8Array>;
}
