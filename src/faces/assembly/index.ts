import { logit, place } from './anchors';
import { makeRow } from './convolve';
import { layer, reserve, rowsEnd } from './layers';
import { BLOCKS, PLACE } from './layout';
import { find as findFaces } from './merge';
import { blackRow, levelRow, resizeRow } from './resize';
import { widen as widenWeights } from './weights';

/*
 * BlazeFace, from pixels to faces. Call `stage` and `widen` for its weights; then for each picture `arrange`, `frame`, all rows of
 * pixels or levels in order, and `find`. A row of the input immediately goes through all layers that have the rows they need, so
 * that only a few rows of each layer are kept. Built three times: see build.mjs.
 */

export { arrange } from './layers';
export { found } from './merge';
export { endRow, firstRow, frame } from './resize';
export { stage } from './weights';

/** Address for this many bytes, valid until `find`; 0 without enough memory. */
export function room(bytes: usize): usize {
  const at = (rowsEnd + 15) & ~15;
  return reserve(at + bytes) ? at : 0;
}

/** Whether `pixelRows` works here: in the scalar build, rows are resized outside and come by `levelRows`. */
export const resizes: i32 = ASC_FEATURE_SIMD ? 1 : 0;

export function widen(): void {
  if (ASC_FEATURE_SIMD) widenWeights<v128>();
  else widenWeights<f32>();
}

/** Takes rows `from` .. `end` of the input, of an image whose row `top` is at `pixels`. */
export function pixelRows(from: i32, end: i32, pixels: usize, top: i32): void {
  if (ASC_FEATURE_SIMD) {
    for (let y = from; y < end; y++) {
      resizeRow(y, pixels, top);
      deliver(0, y);
    }
  }
}

/** Takes rows `from` .. `end` of the input as levels 0 .. 255, [rows, width, 3]. */
export function levelRows(from: i32, end: i32, levels: usize, width: i32): void {
  for (let y = from; y < end; y++) {
    levelRow(y, levels, width);
    deliver(0, y);
    levels += 12 * <usize>width;
  }
}

/** Fills the rows of the input from `from` to the end with black. */
export function blackRows(from: i32): void {
  for (let y = from; y < layer(0).height; y++) {
    blackRow(y);
    deliver(0, y);
  }
}

export function find(least: f64, overlap: f64): i32 {
  if (ASC_FEATURE_SIMD) return findFaces<v128>(least, overlap);
  return findFaces<f32>(least, overlap);
}

/** Address of an anchor's raw logit and box, 17 doubles; 0 without enough memory. */
export function anchor(index: i32): usize {
  const at = room(8 * (PLACE + 1));
  if (at == 0) return 0;
  if (ASC_FEATURE_SIMD) {
    store<f64>(at, logit<v128>(index));
    place<v128>(index, at + 8);
  } else {
    store<f64>(at, logit<f32>(index));
    place<f32>(index, at + 8);
  }
  return at;
}

/** Computes row `j` of a layer's output; for benchmarks. */
export function rowOfLayer(index: i32, j: i32): void {
  if (ASC_FEATURE_SIMD) makeRow<v128>(index, j);
  else makeRow<f32>(index, j);
}

/** Called when row `y` of a layer's input is ready: computes the output rows that are now possible. */
function deliver(index: i32, y: i32): void {
  if (index > BLOCKS) return;
  const one = layer(index);
  // Number of rows that the filter needs after its centre row, or after its first row if it is strided.
  const reach = index == 0 ? 3 : one.stride;
  const last = y == one.height - 1;
  if (one.stride == 1) {
    if (y >= reach) pass(index, y - reach);
    if (last) pass(index, y);
  } else {
    if (y >= reach && ((y - reach) & 1) == 0) pass(index, (y - reach) >> 1);
    if (last) pass(index, y >> 1);
  }
}

function pass(index: i32, j: i32): void {
  rowOfLayer(index, j);
  deliver(index + 1, j);
}
