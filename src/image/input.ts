import type { BlobLike, Drawable, ImageDataLike, UrlLike } from '../global-types.js';
import type { PixelImage } from '../runtime.js';

/**
 * Whatever an image may come as.
 *
 * | kind | where |
 * | --- | --- |
 * | path or `file:` URL of a JPEG, PNG, WebP, AVIF, GIF or TIFF file | Node |
 * | `Buffer`, `Uint8Array`, `ArrayBuffer` or `Blob` that holds such a file's bytes | everywhere, formats as the browser reads them |
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
 * What is needed of a `tf.Tensor3D`: shape [height, width, 1, 3 or 4], dtype float32 or int32, values on the 0..255
 * scale. A tensor stays its owner's to dispose. Spelled out so that code without TF.js needs none of its types.
 */
export interface PixelTensor {
  readonly shape: [number, number, number];
  readonly dtype: string;
  readonly isDisposed: boolean;
  data(): Promise<Float32Array | Int32Array | Uint8Array>;
}
