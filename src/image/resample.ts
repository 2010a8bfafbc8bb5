import { describeInput } from '../describe-input.js';
import { FerError } from '../errors.js';
import { atLeast } from './at-least.js';
import { type Box, checkBox, describeBox } from './box.js';
import { BLOCK, copyPart } from './copy-part.js';
import { type PixelKernels, pixelKernels } from './pixel-kernels.js';
import type { Raster } from './pixels.js';

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
   * The part of the image to resample. Only pixels that the box touches are used, so a box of whole numbers is the same
   * as cropping first. Outside the image, the nearest edge pixel is repeated. The box must overlap the image and be at most
   * 8 times as wide and as high.
   * @default the whole image
   */
  box?: Box;
  /**
   * Receives the result, height * width * channels floats, so that the frames of a video make no
   * garbage.
   * @default a new array
   */
  out?: Float32Array<ArrayBuffer>;
}

/**
 * Reduces an image to luma (or keeps its colours) and resizes it with an antialiased triangle filter, all in float.
 *
 * Alpha is composited on black, rounded to the nearest level, as an 8-bit canvas does. Luma is that of BT.601:
 * 0.299 R + 0.587 G + 0.114 B. The resize is separable, horizontal first: output i reads the inputs k under a triangle of
 * centre c = (i + 0.5) s and half width max(s, 1), s = input size / output size, with the weights
 * 1 - |k + 0.5 - c| / max(s, 1), normalized to sum 1. This equals `Image.resize(size, BILINEAR)` of Pillow in mode F:
 * sums in double precision, stored as float32. The image is read row by row, without a second image of its size.
 *
 * @param image - Pixels of shape [height, width, channels], levels 0..255.
 * @returns Levels 0..255, float32, shape [options.height, options.width, options.channels].
 * @throws FerError `OPTION` for a size, channel count or box out of its range; `SHAPE` for an `out` with another length.
 * @see ITU-R BT.601-7, section 2.5.1 (luma); Pillow, `src/libImaging/Resample.c` (filter)
 * @example
 * const luma = resample({ data, width: 640, height: 480, channels: 3 }); // Float32Array, 32 * 32
 */
export function resample(image: Raster, options: ResampleOptions = {}): Float32Array<ArrayBuffer> {
  const { width = 32, height = 32, channels = 1, box, out } = options;
  return resampleTo(image, width, height, channels, box, out);
}

/** {@link resample} with separate arguments, because an options object would be garbage in every frame. */
export function resampleTo(
  image: Raster,
  width: number,
  height: number,
  channels: 1 | 3,
  box?: Box,
  out?: Float32Array<ArrayBuffer>,
): Float32Array<ArrayBuffer> {
  checkResample(image, width, height, channels, box);
  const result = out ?? new Float32Array(width * height * channels);
  if (result.length !== width * height * channels) {
    throw new FerError('SHAPE', `out must have ${width * height * channels} floats, got ${result.length}`);
  }
  resampleInto(image, width, height, channels, box, result);
  return result;
}

/**
 * {@link resample} into the first height * width * channels floats of `result`.
 *
 * @throws FerError `OPTION` as `resample`.
 */
export function resampleInto(
  image: Raster,
  width: number,
  height: number,
  channels: 1 | 3,
  box: Box | undefined,
  result: Float32Array,
): void {
  checkResample(image, width, height, channels, box);
  if (box) {
    place[0] = box.x;
    place[1] = box.width;
    place[2] = box.y;
    place[3] = box.height;
  } else {
    place[0] = 0;
    place[1] = image.width;
    place[2] = 0;
    place[3] = image.height;
  }
  triangles(image.width, width, 0, kept.columns);
  triangles(image.height, height, 2, kept.rows);
  const kernels = pixelKernels();
  if (kernels === null || !resampleFast(kernels, image, channels, result)) resamplePlainly(image, channels, result);
}

/** With the cached triangle weights. */
function resamplePlainly(image: Raster, channels: 1 | 3, result: Float32Array): void {
  const { columns, rows } = kept;
  const width = columns.size;
  const height = rows.size;
  const left = columns.start[0];
  const count = columns.end[width - 1] - left;

  const rowLength = width * channels;
  kept.narrow = atLeast(kept.narrow, rowLength);
  kept.sums = atLeast(kept.sums, height * rowLength).fill(0, 0, height * rowLength);
  const { narrow, sums } = kept;
  let first = 0;
  for (let y = rows.start[0]; y < rows.end[height - 1]; y++) {
    while (rows.end[first] <= y) first++;
    const at = (y * image.width + left) * image.channels;
    if (image.data instanceof Float32Array) {
      kept.floats = atLeast(kept.floats, 3 * count);
      const unit = readFloats(image.data, at, image.channels, channels, count, kept.floats);
      convolveRow(kept.floats, unit, channels, left, columns, narrow);
    } else {
      kept.levels = atLeast(kept.levels, 3 * count);
      const unit = readLevels(image.data, at, image.channels, channels, count, kept.levels);
      convolveRow(kept.levels, unit, channels, left, columns, narrow);
    }
    for (let i = first; i < height && rows.start[i] <= y; i++) {
      const weight = rows.weights[i * rows.taps + y - rows.start[i]];
      const to = i * rowLength;
      for (let k = 0; k < rowLength; k++) sums[to + k] += weight * narrow[k];
    }
  }
  for (let k = 0; k < height * rowLength; k++) result[k] = sums[k];
}

/** Bytes of rows per call of the kernels, which then come from the second-level cache. */
const BAND = 2 ** 17;

/**
 * Like {@link resamplePlainly}, with the same bits, in SIMD.
 *
 * @returns False for float levels with other channels than wanted; then nothing is done.
 */
function resampleFast(kernels: PixelKernels, image: Raster, channels: 1 | 3, result: Float32Array): boolean {
  const floats = image.data instanceof Float32Array;
  if (floats && image.channels !== channels) return false;
  const { columns, rows } = kept;
  const left = columns.start[0];
  const count = columns.end[columns.size - 1] - left;
  const rowLength = columns.size * channels;
  const bytesALevel = floats ? 4 : 1;
  const rowLevels = image.width * image.channels;
  const stride = rowLevels * bytesALevel;
  const top = rows.start[0];
  const bottom = rows.end[rows.size - 1];
  const band = Math.max(1, Math.min(bottom - top, Math.floor(BAND / stride)));

  // Doubles first, so that everything is aligned.
  const columnWeights = 0;
  const rowWeights = columnWeights + 8 * columns.weights.length;
  const line = rowWeights + 8 * rows.weights.length;
  const sums = line + 8 * (channels * count + 8);
  const narrow = sums + 8 * rowLength * rows.size;
  const columnStart = narrow + 4 * (rowLength + 2);
  const columnEnd = columnStart + 4 * columns.start.length;
  const rowStart = columnEnd + 4 * columns.end.length;
  const rowEnd = rowStart + 4 * rows.start.length;
  const pixels = rowEnd + 4 * rows.end.length;
  kernels.reserve(pixels + band * stride + 2 * BLOCK * bytesALevel + 16);
  const { integers, doubles } = kernels;
  doubles.set(columns.weights, columnWeights / 8);
  doubles.set(rows.weights, rowWeights / 8);
  doubles.fill(0, sums / 8, sums / 8 + rowLength * rows.size);
  integers.set(columns.start, columnStart / 4);
  integers.set(columns.end, columnEnd / 4);
  integers.set(rows.start, rowStart / 4);
  integers.set(rows.end, rowEnd / 4);
  for (let k = 0; k < columns.size; k++) {
    integers[columnStart / 4 + k] -= left;
    integers[columnEnd / 4 + k] -= left;
  }
  for (let y = top; y < bottom; y += band) {
    const end = Math.min(y + band, bottom);
    const target = floats ? kernels.floats : kernels.bytes;
    const row = copyPart(image.data, y * rowLevels, end * rowLevels, target, pixels / bytesALevel);
    const first = (row + left * image.channels) * bytesALevel;
    // biome-ignore format: arguments grouped by meaning
    kernels.resampleRows(
      first, stride, Number(floats), image.channels, channels, count, y, end,
      columns.size, columnStart, columnEnd, columnWeights, columns.taps,
      rows.size, rowStart, rowEnd, rowWeights, rows.taps,
      line, narrow, sums,
    );
  }
  for (let k = 0; k < rowLength * rows.size; k++) result[k] = doubles[sums / 8 + k];
  return true;
}

/** For each of `size` outputs i: inputs start[i] .. end[i] - 1, with the weights at weights[i * taps]. */
interface Triangles {
  size: number;
  start: Int32Array;
  end: Int32Array;
  weights: Float64Array;
  taps: number;
}

/**
 * Buffers that the next call reuses, so that the frames of a video make almost no garbage. No call reads what another has
 * left in them.
 */
const kept = {
  columns: noTriangles(),
  rows: noTriangles(),
  levels: new Int32Array(0),
  floats: new Float32Array(0),
  narrow: new Float32Array(0),
  sums: new Float64Array(0),
};

function noTriangles(): Triangles {
  return { size: 0, start: new Int32Array(0), end: new Int32Array(0), weights: new Float64Array(0), taps: 0 };
}

/**
 * Offset and extent of the columns, then of the rows, for {@link triangles}: fractions that are passed between functions
 * may each be allocated on the heap.
 */
const place = new Float64Array(4);

function triangles(inputSize: number, outputSize: number, at: number, into: Triangles): void {
  const offset = place[at];
  const extent = place[at + 1];
  const scale = extent / outputSize;
  const support = Math.max(scale, 1);
  const lowest = Math.floor(offset);
  const highest = Math.ceil(offset + extent);
  // `| 0`: an integer that engines keep off the heap. At most 2 * 8 * 64e6.
  const taps = Math.min(2 * Math.ceil(support) + 1, inputSize) | 0;

  into.size = outputSize;
  into.taps = taps;
  into.start = atLeast(into.start, outputSize);
  into.end = atLeast(into.end, outputSize);
  into.weights = atLeast(into.weights, outputSize * taps).fill(0, 0, outputSize * taps);
  const { start, end, weights } = into;
  for (let i = 0; i < outputSize; i++) {
    const center = offset + (i + 0.5) * scale;
    const from = Math.max(Math.floor(center - support + 0.5), lowest);
    const to = Math.min(Math.floor(center + support + 0.5), highest);
    let total = 0;
    for (let k = from; k < to; k++) total += triangle(k, center, support);

    // Inputs beyond the edge repeat the edge pixel: their weight is added to its weight.
    start[i] = clamp(from, 0, inputSize - 1);
    end[i] = clamp(to - 1, 0, inputSize - 1) + 1;
    for (let k = from; k < to; k++) {
      weights[i * taps + clamp(k, 0, inputSize - 1) - start[i]] += triangle(k, center, support) / total;
    }
  }
}

function triangle(k: number, center: number, support: number): number {
  return Math.max(1 - Math.abs((k + 0.5 - center) / support), 0);
}

/** @param unit - The value of 1 in the row, in levels. */
function convolveRow(
  row: Float32Array | Int32Array,
  unit: number,
  channels: number,
  left: number,
  columns: Triangles,
  result: Float32Array,
) {
  const { size, start, end, weights, taps } = columns;
  for (let i = 0; i < size; i++) {
    const count = end[i] - start[i];
    const from = (start[i] - left) * channels;
    for (let c = 0; c < channels; c++) {
      // Four sums, because with one sum every addition waits for the previous one.
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
      result[i * channels + c] = unit * (a + b + (d + e));
    }
  }
}

/**
 * Reads `count` 8-bit pixels from `at` as integers, which is fast and exact: luma as 299 R + 587 G + 114 B.
 *
 * @returns The value of 1 in the row, in levels.
 */
function readLevels(
  data: Uint8Array | Uint8ClampedArray,
  at: number,
  channels: number,
  wanted: 1 | 3,
  count: number,
  row: Int32Array,
): number {
  if (wanted === 1 && channels === 3) {
    for (let k = 0; k < count; k++, at += 3) row[k] = 299 * data[at] + 587 * data[at + 1] + 114 * data[at + 2];
    return 0.001;
  }
  if (channels === 4) {
    for (let k = 0; k < count; k++, at += 4) {
      let red = data[at];
      let green = data[at + 1];
      let blue = data[at + 2];
      const alpha = data[at + 3];
      if (alpha !== 255) {
        red = Math.round((red * alpha) / 255);
        green = Math.round((green * alpha) / 255);
        blue = Math.round((blue * alpha) / 255);
      }
      if (wanted === 1) row[k] = 299 * red + 587 * green + 114 * blue;
      else {
        row[3 * k] = red;
        row[3 * k + 1] = green;
        row[3 * k + 2] = blue;
      }
    }
    return wanted === 1 ? 0.001 : 1;
  }
  if (channels === 1 && wanted === 3) {
    for (let k = 0; k < count; k++, at++) row[3 * k] = row[3 * k + 1] = row[3 * k + 2] = data[at];
  } else {
    for (let k = 0; k < count * wanted; k++) row[k] = data[at + k];
  }
  return 1;
}

/** Like `readLevels` for float levels; whole levels give the same bits. */
function readFloats(
  data: Float32Array,
  at: number,
  channels: number,
  wanted: 1 | 3,
  count: number,
  row: Float32Array,
): number {
  for (let k = 0; k < count; k++, at += channels) {
    let red = data[at];
    let green = channels === 1 ? red : data[at + 1];
    let blue = channels === 1 ? red : data[at + 2];
    if (channels === 4 && data[at + 3] !== 255) {
      red = Math.round((red * data[at + 3]) / 255);
      green = Math.round((green * data[at + 3]) / 255);
      blue = Math.round((blue * data[at + 3]) / 255);
    }
    if (wanted === 1) row[k] = channels === 1 ? red : 299 * red + 587 * green + 114 * blue;
    else {
      row[3 * k] = red;
      row[3 * k + 1] = green;
      row[3 * k + 2] = blue;
    }
  }
  return wanted === 1 && channels !== 1 ? 0.001 : 1;
}

function checkResample(image: Raster, width: number, height: number, channels: 1 | 3, box?: Box): void {
  checkSize('width', width);
  checkSize('height', height);
  if (channels !== 1 && channels !== 3)
    throw new FerError('OPTION', `channels must be 1 or 3, got ${describeInput(channels)}`);
  if (box) {
    checkBox(box);
    checkOverlap(box, image);
  }
}

function checkSize(name: string, size: number) {
  if (!Number.isInteger(size) || size < 1 || size > 4096) {
    throw new FerError('OPTION', `${name} must be a whole number from 1 to 4096, got ${describeInput(size)}`);
  }
}

function checkOverlap(box: Box, image: Raster) {
  const { x, y, width, height } = box;
  if (x >= image.width || y >= image.height || x + width <= 0 || y + height <= 0) {
    throw new FerError('OPTION', `${describeBox(box)} lies outside the image of ${image.width}x${image.height} pixels`);
  }
  if (width > 8 * image.width || height > 8 * image.height) {
    throw new FerError(
      'OPTION',
      `${describeBox(box)} is more than 8 times the image of ${image.width}x${image.height} pixels`,
    );
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
