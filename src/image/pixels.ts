/** Decoded 8-bit pixels, row by row, channels interleaved: sample (x, y, c) is `data[(y * width + x) * channels + c]`. */
export interface PixelImage {
  /** Levels 0..255, length width * height * channels. */
  data: Uint8Array | Uint8ClampedArray;
  /** Pixels a row. */
  width: number;
  /** Rows. */
  height: number;
  /** 1 is grey, 3 is RGB, 4 is RGB with straight (not premultiplied) alpha. */
  channels: 1 | 3 | 4;
}

/**
 * Pixels that may hold fractions of a level, as tensors do: a {@link PixelImage} whose `data` may also be floats on the
 * 0..255 scale. Every `PixelImage` is a `Raster`.
 */
export interface Raster extends Omit<PixelImage, 'data'> {
  /** Levels 0..255, length width * height * channels. */
  data: Uint8Array | Uint8ClampedArray | Float32Array;
}
