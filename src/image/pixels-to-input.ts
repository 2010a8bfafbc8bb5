import { FerError } from '../errors.js';
import type { Box } from './box.js';
import { type Normalization, normalizeAs } from './normalize.js';
import type { Raster } from './pixels.js';
import { resampleTo } from './resample.js';
import { type Crop, straighten } from './straighten.js';

export interface PixelsToInputOptions {
  /**
   * Normalization, see `normalize`. It must be the same as in the model's training.
   * @default 'unit'
   */
  normalization?: Normalization;
  /**
   * Channels of the network's input: 1 is luma, 3 is RGB.
   * @default 1
   */
  channels?: 1 | 3;
  /**
   * Width and height of the network's input.
   * @default 32
   */
  size?: number;
  /**
   * The part of the image to use, such as a face: see `resample`, and `straighten` for a rotated one.
   * @default the whole image
   */
  box?: Crop;
  /**
   * Receives the result: see `resample`.
   * @default a new array
   */
  out?: Float32Array<ArrayBuffer>;
}

/**
 * Turns pixels into the network's input: luma (or RGB), resized, normalized.
 *
 * @returns Shape [size, size, channels].
 * @throws FerError `OPTION` for an option out of its range; `INPUT` for a fully transparent image.
 * @example
 * const input = pixelsToInput(photo, { box: face, normalization: 'standardize' }); // Float32Array, 32 * 32
 */
export function pixelsToInput(image: Raster, options: PixelsToInputOptions = {}): Float32Array<ArrayBuffer> {
  const { normalization = 'unit', channels = 1, size = 32, box, out } = options;
  if (image.channels === 4 && isClear(image)) {
    throw new FerError('INPUT', 'the image shows nothing: every pixel is transparent');
  }
  // Not `box?.angle`: engines put a value that may be a number or undefined on the heap.
  const turned = box ? box.angle !== undefined && box.angle !== 0 : false;
  if (!box || !turned) return wholeToInput(image, { width: size, height: size, channels }, normalization, box, out);
  return normalizeAs(straighten(image, box, size, channels, out), normalization, size, channels);
}

/** {@link pixelsToInput} for inputs of any aspect ratio, from an image or an upright part of it. */
export function wholeToInput(
  image: Raster,
  { width, height, channels }: { width: number; height: number; channels: 1 | 3 },
  normalization: Normalization,
  box?: Box,
  out?: Float32Array<ArrayBuffer>,
): Float32Array<ArrayBuffer> {
  return normalizeAs(resampleTo(image, width, height, channels, box, out), normalization, width, channels);
}

/** Whether all pixels are transparent. */
function isClear({ data }: Raster): boolean {
  for (let at = 3; at < data.length; at += 4) if (data[at] !== 0) return false;
  return true;
}
