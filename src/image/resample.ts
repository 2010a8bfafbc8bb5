import { FerError } from '../errors.js';
import type { Raster } from './pixels.js';

/**
 * A rectangle on an image, in pixels: it covers x .. x + width and y .. y + height, where pixel column k covers k .. k + 1.
 * Fractions are allowed, and so are parts outside the image.
 */
export interface Box {
  /** Left edge, from the left edge of the image. */
  x: number;
  /** Top edge, from the top edge of the image. */
  y: number;
  /** Width, more than 0. */
  width: number;
  /** Height, more than 0. */
  height: number;
}

export interface ResampleOptions {
  /**
   * Columns of the result.
   * @default 32
   */
  width?: number;
  /**
   * Rows of the result.
   * @default 32
   */
  height?: number;
  /**
   * 1 gives luma, 3 gives red, green and blue.
   * @default 1
   */
  channels?: 1 | 3;
  /**
   * The part of the image to resample. Pixels that the box touches are used, no others, so a box of whole numbers is the
   * same as cutting it out first. Where it reaches outside the image, the nearest edge pixel is repeated. It must meet
   * the image and be at most 8 times as wide and as high as the image.
   * @default the whole image
   */
  box?: Box;
}

/**
 * Reduces an image to luma (or keeps its colours) and resizes it with an antialiased triangle filter, all in float.
 *
 * Alpha is composited on black, rounded to the nearest level, as an 8-bit canvas does. Luma is that of BT.601:
 * 0.299 R + 0.587 G + 0.114 B. The resize is separable, horizontal first: output i reads the inputs k under a triangle of
 * centre c = (i + 0.5) s and half width max(s, 1), s = input size / output size, with the weights
 * 1 - |k + 0.5 - c| / max(s, 1), normalised to sum 1. This is `Image.resize(size, BILINEAR)` of Pillow on mode F, sums
 * in double, stored as float32. The image is read row by row: no second image of its size is made.
 *
 * @param image - Pixels of shape [height, width, channels], levels 0..255.
 * @returns Levels 0..255, float32, shape [options.height, options.width, options.channels].
 * @throws FerError `OPTION` for a size, channel count or box out of its range.
 * @see ITU-R BT.601-7, section 2.5.1 (luma); Pillow, `src/libImaging/Resample.c` (filter)
 * @example
 * const luma = resample({ data, width: 640, height: 480, channels: 3 }); // Float32Array, 32 * 32
 */
export function resample(image: Raster, options: ResampleOptions = {}): Float32Array<ArrayBuffer> {
  const { width = 32, height = 32, channels = 1, box } = options;
  checkSize('width', width);
  checkSize('height', height);
  if (channels !== 1 && channels !== 3) throw new FerError('OPTION', `channels must be 1 or 3, got ${channels}`);
  if (box) checkBox(box, image);

  const columns = triangles(image.width, width, box?.x ?? 0, box?.width ?? image.width);
  const rows = triangles(image.height, height, box?.y ?? 0, box?.height ?? image.height);
  const left = columns.start[0];
  const right = columns.end[width - 1];

  const readRow = rowReader(image, channels, left, right - left);
  const narrow = new Float32Array(width * channels);
  const sums = new Float64Array(height * width * channels);
  let first = 0;
  for (let y = rows.start[0]; y < rows.end[height - 1]; y++) {
    while (rows.end[first] <= y) first++;
    convolveRow(readRow(y), channels, left, columns, narrow);
    for (let i = first; i < height && rows.start[i] <= y; i++) {
      const weight = rows.weights[i * rows.taps + y - rows.start[i]];
      const at = i * narrow.length;
      for (let k = 0; k < narrow.length; k++) sums[at + k] += weight * narrow[k];
    }
  }
  return new Float32Array(sums);
}

// --- below this line: what one resize needs ---

/** For each output i: inputs start[i] .. end[i] - 1, with the weights at weights[i * taps]. */
interface Triangles {
  start: Int32Array;
  end: Int32Array;
  weights: Float64Array;
  taps: number;
}

function triangles(inputSize: number, outputSize: number, offset: number, extent: number): Triangles {
  const scale = extent / outputSize;
  const support = Math.max(scale, 1);
  const lowest = Math.floor(offset);
  const highest = Math.ceil(offset + extent);
  const taps = Math.min(2 * Math.ceil(support) + 1, inputSize);

  const start = new Int32Array(outputSize);
  const end = new Int32Array(outputSize);
  const weights = new Float64Array(outputSize * taps);
  for (let i = 0; i < outputSize; i++) {
    const center = offset + (i + 0.5) * scale;
    const from = Math.max(Math.floor(center - support + 0.5), lowest);
    const to = Math.min(Math.floor(center + support + 0.5), highest);
    const weightOf = (k: number) => Math.max(1 - Math.abs((k + 0.5 - center) / support), 0);
    let total = 0;
    for (let k = from; k < to; k++) total += weightOf(k);

    // Inputs beyond the edge repeat it: their weight is added to that of the edge pixel.
    start[i] = clamp(from, 0, inputSize - 1);
    end[i] = clamp(to - 1, 0, inputSize - 1) + 1;
    for (let k = from; k < to; k++) {
      weights[i * taps + clamp(k, 0, inputSize - 1) - start[i]] += weightOf(k) / total;
    }
  }
  return { start, end, weights, taps };
}

function convolveRow(row: Float32Array, channels: number, left: number, columns: Triangles, result: Float32Array) {
  const { start, end, weights, taps } = columns;
  for (let i = 0; i < start.length; i++) {
    const count = end[i] - start[i];
    const from = (start[i] - left) * channels;
    for (let c = 0; c < channels; c++) {
      // Four sums, since one would make every addition wait for the one before.
      let a = 0;
      let b = 0;
      let d = 0;
      let e = 0;
      let w = i * taps;
      let at = from + c;
      const last = w + count;
      for (; w + 3 < last; w += 4, at += 4 * channels) {
        a += weights[w] * row[at];
        b += weights[w + 1] * row[at + channels];
        d += weights[w + 2] * row[at + 2 * channels];
        e += weights[w + 3] * row[at + 3 * channels];
      }
      for (; w < last; w++, at += channels) a += weights[w] * row[at];
      result[i * channels + c] = a + b + (d + e);
    }
  }
}

/** Gives row y of the image, columns left .. left + count - 1, as floats of the wanted channels. */
function rowReader(image: Raster, wanted: 1 | 3, left: number, count: number): (y: number) => Float32Array {
  const { width, channels } = image;
  // One class of array for 8-bit pixels keeps the loops below fast.
  const data =
    image.data instanceof Uint8ClampedArray
      ? new Uint8Array(image.data.buffer, image.data.byteOffset, image.data.length)
      : image.data;
  const row = new Float32Array(count * wanted);
  const opaque = channels === 4 ? new Float32Array(count * 3) : row;

  return (y) => {
    const at = (y * width + left) * channels;
    if (channels === wanted) copy(data, at, row);
    else if (channels === 1) spread(data, at, row);
    else if (channels === 3) luma(data, at, row);
    else {
      onBlack(data, at, opaque);
      if (wanted === 1) luma(opaque, 0, row);
      else row.set(opaque);
    }
    return row;
  };
}

type Levels = Uint8Array | Float32Array;

function copy(data: Levels, at: number, row: Float32Array) {
  for (let k = 0; k < row.length; k++) row[k] = data[at + k];
}

function spread(data: Levels, at: number, row: Float32Array) {
  for (let k = 0; k < row.length; k += 3, at++) row[k] = row[k + 1] = row[k + 2] = data[at];
}

function luma(data: Levels, at: number, row: Float32Array) {
  for (let k = 0; k < row.length; k++, at += 3) {
    row[k] = 0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2];
  }
}

function onBlack(data: Levels, at: number, row: Float32Array) {
  for (let k = 0; k < row.length; k += 3, at += 4) {
    const alpha = data[at + 3];
    if (alpha === 255) {
      row[k] = data[at];
      row[k + 1] = data[at + 1];
      row[k + 2] = data[at + 2];
    } else {
      row[k] = Math.round((data[at] * alpha) / 255);
      row[k + 1] = Math.round((data[at + 1] * alpha) / 255);
      row[k + 2] = Math.round((data[at + 2] * alpha) / 255);
    }
  }
}

function checkSize(name: string, size: number) {
  if (!Number.isInteger(size) || size < 1 || size > 4096) {
    throw new FerError('OPTION', `${name} must be a whole number from 1 to 4096, got ${size}`);
  }
}

function checkBox({ x, y, width, height }: Box, image: Raster) {
  const text = `box { x: ${x}, y: ${y}, width: ${width}, height: ${height} }`;
  const size = `${image.width}x${image.height}`;
  if (![x, y, width, height].every(Number.isFinite) || width <= 0 || height <= 0) {
    throw new FerError('OPTION', `${text} must have finite numbers and a width and height above 0`);
  }
  if (x >= image.width || y >= image.height || x + width <= 0 || y + height <= 0) {
    throw new FerError('OPTION', `${text} lies outside the image of ${size} pixels`);
  }
  if (width > 8 * image.width || height > 8 * image.height) {
    throw new FerError('OPTION', `${text} is more than 8 times the image of ${size} pixels`);
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
