import { describeInput } from '../describe-input.js';
import { FerError } from '../errors.js';
import { atLeast } from './at-least.js';
import { type Box, checkBox } from './box.js';
import type { Raster } from './pixels.js';
import { resampleInto, resampleTo } from './resample.js';

/** A rectangle on an image that may be rotated, such as a tilted face; {@link Box} describes it at angle 0. */
export interface Crop extends Box {
  /**
   * Rotation about its centre in radians, clockwise on the screen: at 0.1, its right edge is lower than its left
   * edge.
   * @default 0
   */
  angle?: number;
}

/**
 * Cuts a rotated rectangle out of an image and makes it upright: `resample` for rotated boxes.
 *
 * The upright rectangle around it is resampled to four times the wanted density, rotated by bilinear interpolation, and reduced
 * to the wanted size. At four times the density, the first two steps add an eighth to the variance of the last filter; at
 * twice the density it would be a half, which costs accuracy.
 *
 * @param size - Width and height of the result.
 * @param out - Receives the result: see `resample`.
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
  const { x, y, width, height } = crop;
  // Without a default value: engines put a number that may come from two places on the heap.
  const { angle } = crop;
  if (angle !== undefined && !Number.isFinite(angle)) {
    throw new FerError('OPTION', `the angle of a box must be a finite number, got ${describeInput(angle)}`);
  }
  if (!Number.isInteger(size) || size < 1 || size > 2048) {
    throw new FerError('OPTION', `size must be a whole number from 1 to 2048, got ${describeInput(size)}`);
  }
  const cos = angle ? Math.cos(angle) : 1;
  const sin = angle ? Math.sin(angle) : 0;
  upright.width = width * Math.abs(cos) + height * Math.abs(sin);
  upright.height = width * Math.abs(sin) + height * Math.abs(cos);
  upright.x = x + (width - upright.width) / 2;
  upright.y = y + (height - upright.height) / 2;
  const dense = 4 * size;
  // `| 0`: integers that engines pass without the heap.
  const columns = Math.min(Math.ceil((upright.width / width) * dense), TOO_MANY) | 0;
  const rows = Math.min(Math.ceil((upright.height / height) * dense), TOO_MANY) | 0;
  // Allocate nothing for sizes that `resample` refuses.
  if (columns <= 4096 && rows <= 4096) levels = atLeast(levels, columns * rows * channels);
  resampleInto(image, columns, rows, channels, upright, levels);
  turned = atLeast(turned, dense * dense * channels);

  for (let i = 0; i < dense; i++) {
    const down = ((i + 0.5) / dense - 0.5) * height;
    for (let j = 0; j < dense; j++) {
      const right = ((j + 0.5) / dense - 0.5) * width;
      const atX = ((right * cos - down * sin) / upright.width + 0.5) * columns - 0.5;
      const atY = ((right * sin + down * cos) / upright.height + 0.5) * rows - 0.5;
      const left = Math.min(Math.max(Math.floor(atX), 0), columns - 2);
      const top = Math.min(Math.max(Math.floor(atY), 0), rows - 2);
      const partX = Math.min(Math.max(atX - left, 0), 1);
      const partY = Math.min(Math.max(atY - top, 0), 1);
      for (let c = 0; c < channels; c++) {
        const from = (top * columns + left) * channels + c;
        const below = from + columns * channels;
        const upper = levels[from] + partX * (levels[from + channels] - levels[from]);
        const lower = levels[below] + partX * (levels[below + channels] - levels[below]);
        turned[(i * dense + j) * channels + c] = upper + partY * (lower - upper);
      }
    }
  }
  square.data = turned;
  square.width = square.height = dense;
  square.channels = channels;
  return resampleTo(square, size, size, channels, undefined, out);
}

/** The upright rectangle around the crop; initialized with fractions, so that its type in the engine does not change. */
const upright: Box = { x: 0.5, y: 0.5, width: 0.5, height: 0.5 };

/** More columns or rows than any image has. */
const TOO_MANY = 2 ** 30;

let levels = new Float32Array(0);
let turned = levels;

const square: Raster = { data: turned, width: 0, height: 0, channels: 1 };
