import { FerError } from '../errors.js';
import { checkBox } from './check-box.js';
import { describeInput } from './describe-input.js';
import type { Raster } from './pixels.js';
import { type Box, resample } from './resample.js';

/** A rectangle on an image that may be turned, such as a leaning face: {@link Box} says how it lies at angle 0. */
export interface Crop extends Box {
  /**
   * Radians by which it is turned about its centre, clockwise as one sees it: at 0.1, its right edge lies lower than its
   * left one.
   * @default 0
   */
  angle?: number;
}

/**
 * Cuts a turned rectangle out of an image and stands it upright: what `resample` gives for a box that is not turned.
 *
 * The upright rectangle around it is resampled to four times the wanted density, turned there by bilinear interpolation, and
 * reduced to the wanted size. At four times, the first two steps add an eighth to the variance of the last one's filter:
 * at twice it would be half, which costs accuracy.
 *
 * @param size - Width and height of the result.
 * @param out - Where it is written: see `resample`.
 * @returns Levels 0..255, float32, shape [size, size, channels].
 * @throws FerError `OPTION` for a rectangle out of its range: see `resample`.
 * @example
 * const luma = straighten(photo, { x: 40, y: 30, width: 90, height: 90, angle: 0.2 }, 32, 1);
 */
export function straighten(
  image: Raster,
  crop: Crop,
  size: number,
  channels: 1 | 3,
  out?: Float32Array<ArrayBuffer>,
): Float32Array<ArrayBuffer> {
  checkBox(crop);
  const { x, y, width, height, angle = 0 } = crop;
  if (!Number.isFinite(angle)) {
    throw new FerError('OPTION', `the angle of a box must be a finite number, got ${describeInput(angle)}`);
  }
  if (!Number.isInteger(size) || size < 1 || size > 2048) {
    throw new FerError('OPTION', `size must be a whole number from 1 to 2048, got ${describeInput(size)}`);
  }
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  const around = {
    width: width * Math.abs(cos) + height * Math.abs(sin),
    height: width * Math.abs(sin) + height * Math.abs(cos),
  };
  const dense = 4 * size;
  const columns = Math.ceil((around.width / width) * dense);
  const rows = Math.ceil((around.height / height) * dense);
  const box = { x: x + (width - around.width) / 2, y: y + (height - around.height) / 2, ...around };
  const upright = resample(image, { width: columns, height: rows, channels, box });

  const turned = new Float32Array(dense * dense * channels);
  for (let i = 0; i < dense; i++) {
    const down = ((i + 0.5) / dense - 0.5) * height;
    for (let j = 0; j < dense; j++) {
      const right = ((j + 0.5) / dense - 0.5) * width;
      const atX = ((right * cos - down * sin) / around.width + 0.5) * columns - 0.5;
      const atY = ((right * sin + down * cos) / around.height + 0.5) * rows - 0.5;
      const left = Math.min(Math.max(Math.floor(atX), 0), columns - 2);
      const top = Math.min(Math.max(Math.floor(atY), 0), rows - 2);
      const partX = Math.min(Math.max(atX - left, 0), 1);
      const partY = Math.min(Math.max(atY - top, 0), 1);
      for (let c = 0; c < channels; c++) {
        const from = (top * columns + left) * channels + c;
        const below = from + columns * channels;
        const upper = upright[from] + partX * (upright[from + channels] - upright[from]);
        const lower = upright[below] + partX * (upright[below + channels] - upright[below]);
        turned[(i * dense + j) * channels + c] = upper + partY * (lower - upper);
      }
    }
  }
  const square = { data: turned, width: dense, height: dense, channels };
  return resample(square, { width: size, height: size, channels, out });
}
