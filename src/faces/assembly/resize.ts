import { madd } from '../../network/assembly/vector';
import { packRow } from './integers';
import { inputRow, layer, reserve, rowsEnd } from './layers';
import { INTEGERS } from './layout';

/*
 * Pixels to rows of the network's input, resized like `resample` of src/image/resample.ts: for every output row, the rows of the image
 * are summed first, then the columns. Levels 0 .. 255 become -1 .. 1. Vector code only.
 */

/** For each output: the first input, the number of inputs, and their weights. */
let columns: usize = 0;
let rows: usize = 0;
let columnTaps: i32 = 0;
/** The largest number of inputs of a column. */
let mostTaps: i32 = 0;
let rowTaps: i32 = 0;
/** Sums of one row, `count` pixels from column `left` on. */
let line: usize = 0;
let left: i32 = 0;
let count: i32 = 0;
let imageWidth: i32 = 0;
let channels: i32 = 0;
/** The picture inside the network's input; the rest, right and below, is black. */
let width: i32 = 0;

/**
 * Gets ready to resize a part of an image to `newWidth` x `newHeight`; returns the address for image rows of up to `pixelBytes` bytes;
 * 0 without enough memory.
 */
export function frame(
  fullWidth: i32, fullHeight: i32, imageChannels: i32, x: f64, y: f64, partWidth: f64, partHeight: f64,
  newWidth: i32, newHeight: i32, pixelBytes: i32,
): usize {
  width = newWidth;
  imageWidth = fullWidth;
  channels = imageChannels;
  columnTaps = tapsOf(imageWidth, partWidth / <f64>newWidth);
  rowTaps = tapsOf(fullHeight, partHeight / <f64>newHeight);
  columns = rowsEnd;
  rows = columns + <usize>newWidth * bytesOf(columnTaps);
  line = (rows + <usize>newHeight * bytesOf(rowTaps) + 15) & ~15;
  const pixels = line + 4 * <usize>imageWidth * channels + 64;
  if (!reserve(pixels + pixelBytes + 64)) return 0;
  triangles(imageWidth, newWidth, x, partWidth, columns, columnTaps);
  triangles(fullHeight, newHeight, y, partHeight, rows, rowTaps);
  left = firstOf(columns);
  const last = columns + <usize>(newWidth - 1) * bytesOf(columnTaps);
  count = firstOf(last) + countOf(last) - left;
  alignColumns(newWidth);
  return pixels;
}

/** Gives every column `mostTaps` valid inputs, some with weight 0, so that four columns can be summed at a time. */
function alignColumns(newWidth: i32): void {
  mostTaps = 0;
  let at = columns;
  for (let x = 0; x < newWidth; x++, at += bytesOf(columnTaps)) mostTaps = max(mostTaps, countOf(at));
  const latest = left + count - mostTaps;
  at = columns;
  for (let x = 0; x < newWidth; x++, at += bytesOf(columnTaps)) {
    const late = firstOf(at) - latest;
    if (late <= 0) continue;
    const weights = at + 8, bytes: usize = 4 * <usize>late;
    memory.copy(weights + bytes, weights, 4 * <usize>countOf(at));
    memory.fill(weights, 0, bytes);
    store<i32>(at, latest);
    store<i32>(at, mostTaps, 4);
  }
}

/** The first image row that row `y` needs, and the first that it no longer needs. */
export function firstRow(y: i32): i32 {
  return firstOf(rows + <usize>y * bytesOf(rowTaps));
}

export function endRow(y: i32): i32 {
  const at = rows + <usize>y * bytesOf(rowTaps);
  return firstOf(at) + countOf(at);
}

/** Composites RGBA pixels on black, in place; done once, even if several rows use them. */
function compose(at: usize, end: usize): void {
  const opaque = i32x4.splat(<i32>0xff000000);
  for (; at < end; at += 16) {
    if (v128.any_true(v128.andnot(opaque, v128.load(at)))) composeFour(at);
  }
}

function composeFour(at: usize): void {
  for (const end = at + 16; at < end; at += 4) {
    const alpha: u32 = load<u8>(at, 3);
    if (alpha == 255) continue;
    for (let c: usize = 0; c < 3; c++) store<u8>(at + c, (2 * <u32>load<u8>(at + c) * alpha + 255) / 510);
    store<u8>(at, 255, 3);
  }
}

/** Makes row `y` of the network's input, of an image whose row `top` is at `pixels`. */
export function resizeRow(y: i32, pixels: usize, top: i32): void {
  const stride = <usize>(imageWidth * channels);
  const at = rows + <usize>y * bytesOf(rowTaps);
  const first = pixels + <usize>(firstOf(at) - top) * stride;
  const part = first + <usize>(left * channels);
  sumRows(part, stride, at + 8, countOf(at));
  if (channels == 1) sumGrey(y);
  else if (channels == 3) sumColumns(y, 12);
  else if (sumColumns(y, 16) < OPAQUE) {
    // Again, composited on black: few frames have transparent pixels, and the alpha sums show it.
    compose(first, first + <usize>countOf(at) * stride);
    sumRows(part, stride, at + 8, countOf(at));
    sumColumns(y, 16);
  }
  endOfRow(y);
}

/** Below this, the mean of the alphas is less than 255, apart from rounding; what it misses changes less than 0.01 levels. */
const OPAQUE: f32 = 254.99;

/** Makes row `y` of levels [newWidth, 3], as from `resample`. */
export function levelRow(y: i32, levels: usize, newWidth: i32): void {
  width = newWidth;
  const to = inputRow(y) + 12;
  for (let k: usize = 0; k < 12 * <usize>width; k += 4) store<f32>(to + k, load<f32>(levels + k) / 127.5 - 1);
  endOfRow(y);
}

/** Makes row `y` black. */
export function blackRow(y: i32): void {
  const input = layer(0);
  const row = inputRow(y);
  for (let k: usize = 12; k < 12 * <usize>(input.width + 1); k += 4) store<f32>(row + k, -1);
  if (INTEGERS) packRow(row, y);
  else memory.fill(row + 12 * <usize>(input.width + 1), 0, 24);
}

/** Black up to the end of the row, then the zero padding. */
function endOfRow(y: i32): void {
  const input = layer(0);
  const row = inputRow(y);
  for (let k: usize = 12 * <usize>(width + 1); k < 12 * <usize>(input.width + 1); k += 4) store<f32>(row + k, -1);
  if (INTEGERS) packRow(row, y);
  else memory.fill(row + 12 * <usize>(input.width + 1), 0, 24);
}

function sumRows(first: usize, stride: usize, weights: usize, taps: i32): void {
  const end: usize = <usize>(count * channels);
  const last = weights + 4 * <usize>taps;
  let to = line;
  for (let at: usize = 0; at < end; at += 16) {
    let a = f32x4.splat(0), b = a, c = a, d = a;
    let p = first + at;
    for (let w = weights; w < last; w += 4) {
      const weight = v128.load32_splat(w);
      const bytes = v128.load(p);
      const low = i16x8.extend_low_i8x16_u(bytes), high = i16x8.extend_high_i8x16_u(bytes);
      a = madd<v128>(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(low)), weight, a);
      b = madd<v128>(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(low)), weight, b);
      c = madd<v128>(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(high)), weight, c);
      d = madd<v128>(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(high)), weight, d);
      p += stride;
    }
    v128.store(to, a);
    v128.store(to, b, 16);
    v128.store(to, c, 32);
    v128.store(to, d, 48);
    to += 64;
  }
}

/**
 * One function for both sizes, so that less is compiled before the first frame.
 *
 * @param size - Bytes of a pixel's sums; the first three are red, green and blue.
 * @returns The smallest value of the fourth number.
 */
function sumColumns(y: i32, size: usize): f32 {
  const unit = f32x4.splat(<f32>1 / 127.5), minusOne = f32x4.splat(-1);
  let least = f32x4.splat(255);
  let to = inputRow(y) + 12;
  let at = columns;
  const next = bytesOf(columnTaps), taps: usize = 4 * <usize>mostTaps;
  const start = line - <usize>left * size;
  let x = 0;
  for (; x <= width - 4; x += 4) {
    let p = start + <usize>firstOf(at) * size, q = start + <usize>firstOf(at + next) * size;
    let r = start + <usize>firstOf(at + 2 * next) * size, s = start + <usize>firstOf(at + 3 * next) * size;
    let a = f32x4.splat(0), b = a, c = a, d = a;
    for (let w = at + 8, end = w + taps; w < end; w += 4) {
      a = madd<v128>(v128.load32_splat(w), v128.load(p), a);
      b = madd<v128>(v128.load32_splat(w + next), v128.load(q), b);
      c = madd<v128>(v128.load32_splat(w + 2 * next), v128.load(r), c);
      d = madd<v128>(v128.load32_splat(w + 3 * next), v128.load(s), d);
      p += size; q += size; r += size; s += size;
    }
    least = f32x4.pmin(f32x4.pmin(least, f32x4.pmin(a, b)), f32x4.pmin(c, d));
    // The fourth number of each overlaps the next pixel, which is written afterwards.
    v128.store(to, madd<v128>(a, unit, minusOne));
    v128.store(to, madd<v128>(b, unit, minusOne), 12);
    v128.store(to, madd<v128>(c, unit, minusOne), 24);
    v128.store(to, madd<v128>(d, unit, minusOne), 36);
    to += 48;
    at += 4 * next;
  }
  for (; x < width; x++) {
    let p = start + <usize>firstOf(at) * size;
    let a = f32x4.splat(0);
    for (let w = at + 8, end = w + taps; w < end; w += 4) {
      a = madd<v128>(v128.load32_splat(w), v128.load(p), a);
      p += size;
    }
    least = f32x4.pmin(least, a);
    v128.store(to, madd<v128>(a, unit, minusOne));
    to += 12;
    at += next;
  }
  return f32x4.extract_lane(least, 3);
}

function sumGrey(y: i32): void {
  let to = inputRow(y) + 12;
  let at = columns;
  for (let x = 0; x < width; x++) {
    let p = line + <usize>(firstOf(at) - left) * 4;
    let sum: f32 = 0;
    for (let w = at + 8, end = w + 4 * <usize>countOf(at); w < end; w += 4) {
      sum += load<f32>(w) * load<f32>(p);
      p += 4;
    }
    v128.store(to, f32x4.splat(sum / 127.5 - 1));
    to += 12;
    at += bytesOf(columnTaps);
  }
}

function tapsOf(size: i32, scale: f64): i32 {
  return min(2 * <i32>ceil(max(scale, 1.0)) + 1, size);
}

// @ts-ignore: decorator
@inline
function bytesOf(taps: i32): usize {
  return 8 + 4 * <usize>taps;
}

// @ts-ignore: decorator
@inline
function firstOf(at: usize): i32 {
  return load<i32>(at);
}

// @ts-ignore: decorator
@inline
function countOf(at: usize): i32 {
  return load<i32>(at, 4);
}

/** The weights of the triangle filter for each output: see `triangles` of src/image/resample.ts. */
function triangles(inputSize: i32, outputSize: i32, offset: f64, extent: f64, to: usize, taps: i32): void {
  const scale = extent / <f64>outputSize;
  const support = max(scale, 1.0);
  const lowest = <i32>floor(offset), highest = <i32>ceil(offset + extent);
  for (let i = 0; i < outputSize; i++) {
    const center = offset + (<f64>i + 0.5) * scale;
    const from = max(<i32>floor(center - support + 0.5), lowest);
    const end = min(<i32>floor(center + support + 0.5), highest);
    let total: f64 = 0;
    for (let k = from; k < end; k++) total += triangle(k, center, support);
    const start = min(max(from, 0), inputSize - 1);
    store<i32>(to, start);
    store<i32>(to, min(max(end - 1, 0), inputSize - 1) + 1 - start, 4);
    to += 8;
    memory.fill(to, 0, 4 * <usize>taps);
    // Inputs beyond the edge repeat the edge.
    for (let k = from; k < end; k++) {
      const at = to + 4 * <usize>(min(max(k, 0), inputSize - 1) - start);
      store<f32>(at, <f32>(<f64>load<f32>(at) + triangle(k, center, support) / total));
    }
    to += 4 * <usize>taps;
  }
}

function triangle(k: i32, center: f64, support: f64): f64 {
  return max(1 - abs((<f64>k + 0.5 - center) / support), 0.0);
}
