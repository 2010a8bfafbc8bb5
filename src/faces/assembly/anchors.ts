import { add, all, madd, read, splat, write } from '../../network/assembly/vector';
import { layer, rowOf } from './layers';
import { BLOCKS, COARSE_PLACES, LOGITS, LOGITS_BIAS, PLACE, PLACES, PLACES_BIAS, TILE as SUMS } from './layout';

/*
 * The heads. Every cell of the fine grid has 2 anchors, every cell of the coarse grid 6. Anchors are numbered row by row, the fine
 * grid first. Boxes are computed only on request.
 */

/** Anchors of both grids. */
export function anchors(): i32 {
  return fineAnchors() + 6 * cells(BLOCKS + 1);
}

function fineAnchors(): i32 {
  return 2 * cells(BLOCKS);
}

function cells(grid: i32): i32 {
  return layer(grid).width * layer(grid).height;
}

/** The logit of an anchor's score. */
export function logit<V>(anchor: i32): f32 {
  const output = outputOf(anchor);
  return dot<V>(featuresOf(anchor), LOGITS + <usize>output * 384) + load<f32>(LOGITS_BIAS + <usize>(4 * output));
}

/** An anchor's box in pixels, 16 doubles: centre, size, six points. */
export function place<V>(anchor: i32, to: usize): void {
  const fine = anchor < fineAnchors();
  const cell = cellOf(anchor);
  const wide = layer(fine ? BLOCKS : BLOCKS + 1).width;
  const stride: f64 = fine ? 16 : 32;
  const x = (<f64>(cell % wide) + 0.5) * stride, y = (<f64>(cell / wide) + 0.5) * stride;
  const features = featuresOf(anchor);
  const output = outputOf(anchor);
  const first: usize = 4 * PLACE * <usize>(fine ? output : output - 2);
  const filters = (fine ? PLACES : COARSE_PLACES) + first, row: usize = 4 * PLACE * (fine ? 2 : 6);
  const bias = PLACES_BIAS + 4 * PLACE * <usize>output;
  for (let k: usize = 0; k < 4 * PLACE; k += sizeof<V>()) {
    let sum = read<V>(bias + k);
    let w = filters + k;
    for (let i: usize = 0; i < 384; i += 4) {
      sum = madd<V>(splat<V>(features + i), read<V>(w), sum);
      w += row;
    }
    write<V>(SUMS + k, sum);
  }
  for (let k: usize = 0; k < PLACE; k++) {
    const value = <f64>load<f32>(SUMS + 4 * k);
    store<f64>(to + 8 * k, k == 2 || k == 3 ? value : value + (k & 1 ? y : x));
  }
}

/** Index of an anchor within its cell. */
function outputOf(anchor: i32): i32 {
  const fine = fineAnchors();
  return anchor < fine ? anchor & 1 : 2 + (anchor - fine) % 6;
}

function cellOf(anchor: i32): i32 {
  const fine = fineAnchors();
  return anchor < fine ? anchor >> 1 : (anchor - fine) / 6;
}

function featuresOf(anchor: i32): usize {
  const grid = anchor < fineAnchors() ? BLOCKS : BLOCKS + 1;
  const cell = cellOf(anchor), wide = layer(grid).width;
  return rowOf(layer(grid), cell / wide) + 384 * <usize>(cell % wide + 1);
}

// @ts-ignore: decorator
@inline
function dot<V>(x: usize, w: usize): f32 {
  let a = all<V>(0), b = a, c = a, d = a;
  const step: usize = sizeof<V>();
  for (const end = x + 384; x < end; x += 4 * step) {
    a = madd<V>(read<V>(x), read<V>(w), a);
    b = madd<V>(read<V>(x, step), read<V>(w, step), b);
    c = madd<V>(read<V>(x, 2 * step), read<V>(w, 2 * step), c);
    d = madd<V>(read<V>(x, 3 * step), read<V>(w, 3 * step), d);
    w += 4 * step;
  }
  a = add<V>(add<V>(a, b), add<V>(c, d));
  if (isVector<V>()) {
    return f32x4.extract_lane(a, 0) + f32x4.extract_lane(a, 1) + (f32x4.extract_lane(a, 2) + f32x4.extract_lane(a, 3));
  }
  return <f32>a;
}
