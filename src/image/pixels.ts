import type { PixelImage } from '../runtime.js';

/**
 * Pixels that may have fractional levels, like tensors: a {@link PixelImage} whose `data` may also be floats on the 0..255
 * scale. Every `PixelImage` is a `Raster`.
 */
export interface Raster extends Omit<PixelImage, 'data'> {
  /** Levels 0..255, length width * height * channels. */
  data: Uint8Array | Uint8ClampedArray | Float32Array;
}
