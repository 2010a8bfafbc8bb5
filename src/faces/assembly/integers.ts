import { depthwiseSums } from './depthwise';
import { layer, rowOf } from './layers';
import { BLOCKS, FIRST, FIRST_BIAS, FIRST_FACTORS, PAIRS, POOLED, ROWS, SCALES, TILE } from './layout';

/*
 * The first convolution and rows of blocks, with 16-bit integers where a filter has many inputs: one instruction multiplies eight of
 * them and adds the products in pairs. Vector code only, for engines without fused multiply-add, where floats need twice as many
 * instructions. Depthwise filters, residual connections and the rows between blocks remain floats.
 *
 * Scales are such that no picture can exceed the 32 bits of a sum. A filter's scale is fixed when the weights are read. A pixel's
 * depthwise sums are scaled to the length LONGEST: a product of two vectors is at most the product of their lengths.
 */

/** Inputs of the first convolution are rounded to -LARGEST .. LARGEST. */
export const LARGEST: f32 = 22_000;

/** Pixels at a time, so that the latency of their roots and quotients is hidden. */
const STRIP: usize = 16;

/** Added to a float, it leaves the rounded float in the lowest bits. */
const ROUND: f32 = 12_582_912;

/** Lengths of a pixel's depthwise sums and of a pointwise filter, a little less than 2^15 and 2^16, because rounding may add to them. */
const LONGEST: f32 = 32_700;
export const LONGEST_FILTER: f64 = 65_500;

/** Largest sum of the absolute weights of a first filter, whose inputs are at most LARGEST. */
export const LARGEST_SUM: f64 = 97_612;

/** Rounds a row of the input, at `floats`, to row `y`; the sixteenth value of a filter row meets a zero weight. */
export function packRow(floats: usize, y: i32): void {
  const input = layer(0);
  const scale = f32x4.splat(LARGEST), round = f32x4.splat(ROUND), base = i32x4.splat(reinterpret<i32>(ROUND));
  let to = rowOf(input, y) + 6;
  const start = floats + 12;
  for (let at = start, end = start + 12 * <usize>input.width; at < end; at += 32) {
    const low = f32x4.add(f32x4.mul(v128.load(at), scale), round);
    const high = f32x4.add(f32x4.mul(v128.load(at, 16), scale), round);
    v128.store(to, i16x8.narrow_i32x4_s(i32x4.sub(low, base), i32x4.sub(high, base)));
    to += 16;
  }
  v128.store(to, i32x4.splat(0));
}

/** A row of the first convolution: see first.ts. */
export function firstRow(out: usize, columns: i32): void {
  const zero = f32x4.splat(0);
  for (let x: usize = 0; x < <usize>columns; x += 4) {
    let w: usize = FIRST;
    for (let o: usize = 0; o < 96; o += 32) {
      let a0 = i32x4.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0;
      for (let i: usize = ROWS; i < ROWS + 20; i += 4) {
        let p = load<usize>(i) + 12 * x;
        for (const end = p + 32; p < end; p += 4) {
          const w0 = v128.load(w), w1 = v128.load(w, 16);
          let v = v128.load32_splat(p);
          a0 = i32x4.add(a0, i32x4.dot_i16x8_s(v, w0)); a1 = i32x4.add(a1, i32x4.dot_i16x8_s(v, w1));
          v = v128.load32_splat(p, 12);
          b0 = i32x4.add(b0, i32x4.dot_i16x8_s(v, w0)); b1 = i32x4.add(b1, i32x4.dot_i16x8_s(v, w1));
          v = v128.load32_splat(p, 24);
          c0 = i32x4.add(c0, i32x4.dot_i16x8_s(v, w0)); c1 = i32x4.add(c1, i32x4.dot_i16x8_s(v, w1));
          v = v128.load32_splat(p, 36);
          d0 = i32x4.add(d0, i32x4.dot_i16x8_s(v, w0)); d1 = i32x4.add(d1, i32x4.dot_i16x8_s(v, w1));
          w += 32;
        }
      }
      const f0 = v128.load(FIRST_FACTORS + o), f1 = v128.load(FIRST_FACTORS + o, 16);
      const r0 = v128.load(FIRST_BIAS + o), r1 = v128.load(FIRST_BIAS + o, 16);
      const to = out + 96 * x + o;
      v128.store(to, f32x4.pmax(added(a0, f0, r0), zero)); v128.store(to, f32x4.pmax(added(a1, f1, r1), zero), 16);
      v128.store(to, f32x4.pmax(added(b0, f0, r0), zero), 96); v128.store(to, f32x4.pmax(added(b1, f1, r1), zero), 112);
      v128.store(to, f32x4.pmax(added(c0, f0, r0), zero), 192); v128.store(to, f32x4.pmax(added(c1, f1, r1), zero), 208);
      v128.store(to, f32x4.pmax(added(d0, f0, r0), zero), 288); v128.store(to, f32x4.pmax(added(d1, f1, r1), zero), 304);
    }
  }
}

/** A row of a block that keeps its size and channels. */
export function row(depthwise: usize, pointwise: usize, bias: usize, size: usize, out: usize, columns: i32): void {
  const center = load<usize>(ROWS, 4) + size;
  const end = (<usize>columns + 3) & ~3;
  for (let x: usize = 0; x < end; x += STRIP) {
    const pixels = min(end - x, STRIP);
    depthwiseSums<v128>(depthwise, size, x * size, pixels);
    round(size, pixels);
    mix(pointwise, bias, size, size, pixels, center + x * size, size, out + x * size);
  }
}

/** A row of a block that halves the size: see block.ts. */
export function stridedRow(index: i32, out: usize, columns: i32): void {
  const one = layer(index);
  const from = one.from, to = one.to, depthwise = one.depthwise, pointwise = one.pointwise, bias = one.bias;
  const around: usize = index == BLOCKS ? 0 : from;
  const upper = load<usize>(ROWS), lower = load<usize>(ROWS, 4);
  const end = (<usize>columns + 3) & ~3;
  for (let x: usize = 0; x < end; x += STRIP) {
    const pixels = min(end - x, STRIP);
    for (let k: usize = 0; k < pixels; k++) {
      const corner = (2 * (x + k) + 1) * from;
      for (let c: usize = 0; c < from; c += 16) {
        let sum = f32x4.splat(0);
        let w = depthwise + c;
        for (let i: usize = ROWS; i < ROWS + 12; i += 4) {
          const p = load<usize>(i) + corner + c;
          sum = f32x4.add(f32x4.mul(v128.load(p), v128.load(w)), sum);
          sum = f32x4.add(f32x4.mul(v128.load(p + from), v128.load(w + from)), sum);
          sum = f32x4.add(f32x4.mul(v128.load(p + 2 * from), v128.load(w + 2 * from)), sum);
          w += 3 * from;
        }
        v128.store(384 * k + c, sum, TILE);
        const p = upper + corner + c, q = lower + corner + c;
        v128.store(
          k * from + c,
          f32x4.pmax(f32x4.pmax(v128.load(p), v128.load(p + from)), f32x4.pmax(v128.load(q), v128.load(q + from))),
          POOLED,
        );
      }
    }
    round(from, pixels);
    mix(pointwise, bias, from, to, pixels, POOLED, around, out + x * to);
  }
}

/**
 * PAIRS through a pointwise convolution, bias, the first `around` bytes of the residual connection, ReLU; four pixels at a time. One
 * function for all widths, so that less is compiled before the first frame.
 */
function mix(
  filters: usize, bias: usize, from: usize, to: usize, pixels: usize, beside: usize, around: usize, out: usize,
): void {
  const zero = f32x4.splat(0);
  const factors = bias + to;
  const half = from >> 1;
  for (let k: usize = 0; k < pixels; k += 4) {
    let w = filters;
    for (let o: usize = 0; o < to; o += 32) {
      let a0 = i32x4.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0;
      for (let p = 192 * k, end = p + half; p < end; p += 4) {
        const w0 = v128.load(w), w1 = v128.load(w, 16);
        let v = v128.load32_splat(p, PAIRS);
        a0 = i32x4.add(a0, i32x4.dot_i16x8_s(v, w0)); a1 = i32x4.add(a1, i32x4.dot_i16x8_s(v, w1));
        v = v128.load32_splat(p, PAIRS + 192);
        b0 = i32x4.add(b0, i32x4.dot_i16x8_s(v, w0)); b1 = i32x4.add(b1, i32x4.dot_i16x8_s(v, w1));
        v = v128.load32_splat(p, PAIRS + 2 * 192);
        c0 = i32x4.add(c0, i32x4.dot_i16x8_s(v, w0)); c1 = i32x4.add(c1, i32x4.dot_i16x8_s(v, w1));
        v = v128.load32_splat(p, PAIRS + 3 * 192);
        d0 = i32x4.add(d0, i32x4.dot_i16x8_s(v, w0)); d1 = i32x4.add(d1, i32x4.dot_i16x8_s(v, w1));
        w += 32;
      }
      const f0 = v128.load(factors + o), f1 = v128.load(factors + o, 16);
      const r0 = v128.load(bias + o), r1 = v128.load(bias + o, 16);
      let u = v128.load32_splat(4 * k, SCALES + 64);
      a0 = scaled(a0, u, f0, r0); a1 = scaled(a1, u, f1, r1);
      u = v128.load32_splat(4 * k, SCALES + 68);
      b0 = scaled(b0, u, f0, r0); b1 = scaled(b1, u, f1, r1);
      u = v128.load32_splat(4 * k, SCALES + 72);
      c0 = scaled(c0, u, f0, r0); c1 = scaled(c1, u, f1, r1);
      u = v128.load32_splat(4 * k, SCALES + 76);
      d0 = scaled(d0, u, f0, r0); d1 = scaled(d1, u, f1, r1);
      if (o < around) {
        let r = beside + o;
        a0 = f32x4.add(a0, v128.load(r)); a1 = f32x4.add(a1, v128.load(r, 16));
        r += around;
        b0 = f32x4.add(b0, v128.load(r)); b1 = f32x4.add(b1, v128.load(r, 16));
        r += around;
        c0 = f32x4.add(c0, v128.load(r)); c1 = f32x4.add(c1, v128.load(r, 16));
        r += around;
        d0 = f32x4.add(d0, v128.load(r)); d1 = f32x4.add(d1, v128.load(r, 16));
      }
      let r = out + o;
      v128.store(r, f32x4.pmax(a0, zero)); v128.store(r, f32x4.pmax(a1, zero), 16);
      r += to;
      v128.store(r, f32x4.pmax(b0, zero)); v128.store(r, f32x4.pmax(b1, zero), 16);
      r += to;
      v128.store(r, f32x4.pmax(c0, zero)); v128.store(r, f32x4.pmax(c1, zero), 16);
      r += to;
      v128.store(r, f32x4.pmax(d0, zero)); v128.store(r, f32x4.pmax(d1, zero), 16);
    }
    beside += 4 * around;
    out += 4 * to;
  }
}

/** Eight scaled and rounded sums as pairs (0, 4), (1, 5), (2, 6), (3, 7) of 16 bits. */
// @ts-ignore: decorator
@inline
function pairs(low: v128, high: v128, scale: v128): v128 {
  const round = f32x4.splat(ROUND);
  low = f32x4.add(f32x4.mul(low, scale), round);
  high = f32x4.add(f32x4.mul(high, scale), round);
  return v128.shuffle<i16>(low, i32x4.shl(high, 16), 0, 9, 2, 11, 4, 13, 6, 15);
}

/** TILE to PAIRS, with their SCALES: the length of a pixel's sums becomes LONGEST. */
function round(size: usize, pixels: usize): void {
  for (let k: usize = 0; k < pixels; k += 4) {
    let a = f32x4.splat(0), b = a, c = a, d = a;
    for (let at = 384 * k, end = at + size; at < end; at += 32) {
      let v = v128.load(at, TILE);
      a = f32x4.add(a, f32x4.mul(v, v));
      v = v128.load(at, TILE + 384);
      b = f32x4.add(b, f32x4.mul(v, v));
      v = v128.load(at, TILE + 2 * 384);
      c = f32x4.add(c, f32x4.mul(v, v));
      v = v128.load(at, TILE + 3 * 384);
      d = f32x4.add(d, f32x4.mul(v, v));
      v = v128.load(at, TILE + 16);
      a = f32x4.add(a, f32x4.mul(v, v));
      v = v128.load(at, TILE + (16 + 384));
      b = f32x4.add(b, f32x4.mul(v, v));
      v = v128.load(at, TILE + (16 + 2 * 384));
      c = f32x4.add(c, f32x4.mul(v, v));
      v = v128.load(at, TILE + (16 + 3 * 384));
      d = f32x4.add(d, f32x4.mul(v, v));
    }
    const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 4, 1, 5), v128.shuffle<f32>(a, b, 2, 6, 3, 7));
    const cd = f32x4.add(v128.shuffle<f32>(c, d, 0, 4, 1, 5), v128.shuffle<f32>(c, d, 2, 6, 3, 7));
    const squares = f32x4.add(v128.shuffle<f32>(ab, cd, 0, 1, 4, 5), v128.shuffle<f32>(ab, cd, 2, 3, 6, 7));
    const lengths = f32x4.sqrt(f32x4.add(squares, f32x4.splat(1e-30)));
    v128.store(4 * k, f32x4.div(f32x4.splat(LONGEST), lengths), SCALES);
    v128.store(4 * k, f32x4.mul(lengths, f32x4.splat(1 / LONGEST)), SCALES + 64);
  }
  for (let k: usize = 0; k < pixels; k++) {
    const scale = v128.load32_splat(4 * k, SCALES);
    // Three times eight: all widths are multiples of 24.
    for (let at = 384 * k, end = at + size; at < end; at += 96) {
      v128.store(at >> 1, pairs(v128.load(at, TILE), v128.load(at, TILE + 16), scale), PAIRS);
      v128.store(at >> 1, pairs(v128.load(at, TILE + 32), v128.load(at, TILE + 48), scale), PAIRS + 16);
      v128.store(at >> 1, pairs(v128.load(at, TILE + 64), v128.load(at, TILE + 80), scale), PAIRS + 32);
    }
  }
}

// @ts-ignore: decorator
@inline
function scaled(sum: v128, unit: v128, factor: v128, bias: v128): v128 {
  return f32x4.add(f32x4.mul(f32x4.mul(f32x4.convert_i32x4_s(sum), unit), factor), bias);
}

// @ts-ignore: decorator
@inline
function added(sum: v128, factor: v128, bias: v128): v128 {
  return f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(sum), factor), bias);
}
