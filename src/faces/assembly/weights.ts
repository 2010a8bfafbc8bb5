import { lanes } from '../../network/assembly/vector';
import { describe, layer, reserve } from './layers';
import { LARGEST, LARGEST_SUM, LONGEST_FILTER } from './integers';
import { BLOCKS, COARSE_PLACES, FIRST, FIRST_BIAS, FIRST_FACTORS, FREE, INTEGERS, LOGITS, LOGITS_BIAS, PLACES, PLACES_BIAS } from './layout';

/** Address where the half-precision weights are staged. */
let next: usize = FREE;

/** Allocates memory for this many bytes of weights. */
export function stage(bytes: usize): usize {
  return reserve(FREE + bytes) ? FREE : 0;
}

/**
 * Widens the staged weights, in half precision and in the order of use, to their places in the layers: filters in panels of two V
 * of outputs, filters of the logits transposed. It is part of the startup time: vectors, and small functions that V8 optimizes quickly
 * or not at all, because its optimizer delays that of the first frame.
 */
export function widen<V>(): void {
  describe();
  next = FREE;
  if (INTEGERS) firstPairs();
  else panels<V>(FIRST, 75, 24);
  straight(FIRST_BIAS, 24);
  for (let k = 1; k <= BLOCKS; k++) {
    const block = layer(k);
    straight(block.depthwise, 9 * <i32>(block.from >> 2));
    if (INTEGERS) pairs(block.pointwise, <i32>(block.from >> 2), <i32>(block.to >> 2), block.bias + block.to);
    else panels<V>(block.pointwise, <i32>(block.from >> 2), <i32>(block.to >> 2));
    straight(block.bias, <i32>(block.to >> 2));
  }
  // Boxes of the coarse grid, boxes of the fine grid, then the logits in the same order.
  straight(COARSE_PLACES, 96 * 96);
  straight(PLACES_BIAS + 32 * 4, 96);
  straight(PLACES, 96 * 32);
  straight(PLACES_BIAS, 32);
  transposed(LOGITS + 2 * 384, 6);
  straight(LOGITS_BIAS + 2 * 4, 6);
  transposed(LOGITS, 2);
  straight(LOGITS_BIAS, 2);
}

/** Makes a half 2^112 times as large: the shift that turns it into a float makes it that much too small. This is exact, except for infinities. */
const GROWTH: f32 = 5.192296858534828e33;

/** Reads the next half. */
// @ts-ignore: decorator
@inline
function half(): f32 {
  const bits = <u32>load<u16>(next);
  next += 2;
  return reinterpret<f32>(((bits & 0x7fff) << 13) | ((bits & 0x8000) << 16)) * GROWTH;
}

/** Four halves, sign-extended to 32 bits, as floats. */
// @ts-ignore: decorator
@inline
function halves(bits: v128): v128 {
  return f32x4.mul(v128.and(i32x4.shl(bits, 13), i32x4.splat(<i32>0x8fffe000)), f32x4.splat(GROWTH));
}

/**
 * The next filters as integers: for every eight outputs, the weights of input pairs (0, 4), (1, 5), (2, 6), (3, 7), (8, 12) ... of
 * each output in turn. A filter's factor, at `factors`, is the value of its integer 1.
 */
function pairs(to: usize, inputs: i32, outputs: i32, factors: usize): void {
  const row = 2 * <usize>outputs;
  const size = row * <usize>inputs;
  for (const end = next + row; next < end; next += 16) {
    let a = f64x2.splat(0), b = a, c = a, d = a;
    let low = f32x4.splat(0), high = low;
    for (let p = next, last = next + size; p < last; p += row) {
      const bits = v128.load(p);
      const u = halves(i32x4.extend_low_i16x8_s(bits)), v = halves(i32x4.extend_high_i16x8_s(bits));
      a = squareAdded(a, u); b = squareAdded(b, upper(u)); c = squareAdded(c, v); d = squareAdded(d, upper(v));
      low = f32x4.pmax(low, f32x4.abs(u)); high = f32x4.pmax(high, f32x4.abs(v));
    }
    a = scaleOf(a, low); b = scaleOf(b, upper(low)); c = scaleOf(c, high); d = scaleOf(d, upper(high));
    v128.store(factors, joined(inverse(a), inverse(b)));
    v128.store(factors, joined(inverse(c), inverse(d)), 16);
    factors += 32;
    for (let p = next, last = next + size; p < last; p += 4 * row) {
      for (const middle = p + 4 * row; p < middle; p += row) {
        const first = v128.load(p), second = v128.load(p + 4 * row);
        let u = whole(halves(i32x4.extend_low_i16x8_s(first)), a, b);
        let v = whole(halves(i32x4.extend_low_i16x8_s(second)), a, b);
        v128.store(to, paired(u, v));
        u = whole(halves(i32x4.extend_high_i16x8_s(first)), c, d);
        v = whole(halves(i32x4.extend_high_i16x8_s(second)), c, d);
        v128.store(to, paired(u, v), 16);
        to += 32;
      }
    }
  }
  next += size - row;
}

// @ts-ignore: decorator
@inline
function squareAdded(sum: v128, floats: v128): v128 {
  const wide = f64x2.promote_low_f32x4(floats);
  return f64x2.add(sum, f64x2.mul(wide, wide));
}

/** The scale of filters: their sums stay within 32 bits, their weights within 16. */
// @ts-ignore: decorator
@inline
function scaleOf(squares: v128, largest: v128): v128 {
  return f64x2.pmin(
    f64x2.div(f64x2.splat(LONGEST_FILTER), f64x2.sqrt(squares)),
    f64x2.div(f64x2.splat(32767), f64x2.promote_low_f32x4(largest)),
  );
}

// @ts-ignore: decorator
@inline
function inverse(scale: v128): v128 {
  return f32x4.demote_f64x2_zero(f64x2.div(f64x2.splat(1), scale));
}

/** Four weights as integers, with the scales of two and two. */
// @ts-ignore: decorator
@inline
function whole(weights: v128, a: v128, b: v128): v128 {
  const u = f64x2.nearest(f64x2.mul(f64x2.promote_low_f32x4(weights), a));
  const v = f64x2.nearest(f64x2.mul(f64x2.promote_low_f32x4(upper(weights)), b));
  return joined(i32x4.trunc_sat_f64x2_s_zero(u), i32x4.trunc_sat_f64x2_s_zero(v));
}

// @ts-ignore: decorator
@inline
function paired(u: v128, v: v128): v128 {
  return v128.or(v128.and(u, i32x4.splat(0xffff)), i32x4.shl(v, 16));
}

// @ts-ignore: decorator
@inline
function upper(u: v128): v128 {
  return v128.shuffle<i64>(u, u, 1, 1);
}

// @ts-ignore: decorator
@inline
function joined(low: v128, high: v128): v128 {
  return v128.shuffle<i64>(low, high, 0, 2);
}

/**
 * The first filters as integers: of each row of 5 pixels, 15 inputs and a zero, in pairs of neighbours. What rounding takes from a
 * weight goes to the next weight of the same colour, because neighbouring pixels are alike.
 */
function firstPairs(): void {
  const start = next;
  for (let o = 0; o < 24; o++) {
    let sum: f64 = 0, largest: f64 = 0;
    for (let i = 0; i < 75; i++) {
      next = start + 2 * <usize>(i * 24 + o);
      const size = <f64>abs(half());
      sum += size;
      largest = max(largest, size);
    }
    const scale = min((LARGEST_SUM - 75) / sum, 32767 / largest);
    store<f32>(FIRST_FACTORS + (<usize>o << 2), <f32>(1 / (scale * LARGEST)));
    for (let colour = 0; colour < 3; colour++) {
      let rest: f64 = 0;
      for (let i = colour; i < 75; i += 3) {
        next = start + 2 * <usize>(i * 24 + o);
        const wanted = <f64>half() * scale + rest;
        const weight = nearest(wanted);
        rest = wanted - weight;
        const input = i + i / 15;
        const at = ((o >> 3) * 40 + (input >> 1)) * 16 + (o & 7) * 2 + (input & 1);
        store<i16>(FIRST + (<usize>at << 1), <i16>weight);
      }
    }
  }
  next = start + 2 * 75 * 24;
}

function straight(to: usize, count: i32): void {
  const end = to + (<usize>count << 2);
  if (ASC_FEATURE_SIMD) {
    for (; to + 32 <= end; to += 32) {
      eight(next, to);
      next += 16;
    }
  }
  for (; to < end; to += 4) store<f32>(to, half());
}

// @ts-ignore: decorator
@inline
function eight(from: usize, to: usize): void {
  const bits = v128.load(from);
  v128.store(to, halves(i32x4.extend_low_i16x8_s(bits)));
  v128.store(to, halves(i32x4.extend_high_i16x8_s(bits)), 16);
}

function panels<V>(to: usize, inputs: i32, outputs: i32): void {
  const start = next, row = 2 * <usize>outputs, wide = 2 * lanes<V>();
  for (let o = 0; o < outputs; o += wide) {
    for (let i = 0; i < inputs; i++) {
      const from = start + <usize>i * row + 2 * <usize>o;
      if (ASC_FEATURE_SIMD) eight(from, to);
      else {
        next = from;
        store<f32>(to, half());
        store<f32>(to, half(), 4);
      }
      to += 4 * <usize>wide;
    }
  }
  next = start + <usize>inputs * row;
}

function transposed(to: usize, outputs: i32): void {
  for (let i = 0; i < 96; i++) {
    for (let o = 0; o < outputs; o++) store<f32>(to + (<usize>(o * 96 + i) << 2), half());
  }
}
