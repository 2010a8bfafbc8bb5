import { add, all, greater, madd, read, splat, write } from '../../network/assembly/vector';
import { depthwiseSums } from './depthwise';
import { layer } from './layers';
import { BLOCKS, POOLED, ROWS, TILE } from './layout';

/*
 * Rows of blocks: depthwise 3x3, pointwise, bias, residual connection, ReLU. Depthwise sums of a few pixels go to TILE, and from
 * there through the pointwise filters.
 */

/** Pixels at a time. */
const STRIP: usize = 24;

/**
 * A row of a block that keeps its size and channels. Six pixels at a time where possible, because twelve sums hide the latency of
 * a multiply-add.
 */
export function row<V>(depthwise: usize, pointwise: usize, bias: usize, size: usize, out: usize, columns: i32): void {
  let beside = load<usize>(ROWS, 4) + size;
  for (let x: usize = 0; x < <usize>columns; x += STRIP) {
    const pixels = min(<usize>columns - x, STRIP);
    depthwiseSums<V>(depthwise, size, x * size, (pixels + 3) & ~3);
    const inSixes = pixels - pixels % 12;
    for (let k: usize = 0; k < inSixes; k += 6) {
      six<V>(TILE + 384 * k, pointwise, bias, size, beside + k * size, out + k * size);
    }
    for (let k = inSixes; k < pixels; k += 4) {
      four<V>(TILE + 384 * k, pointwise, bias, size, size, beside + k * size, size, out + k * size);
    }
    beside += STRIP * size;
    out += STRIP * size;
  }
}

/** A row of a block that halves the size: its residual connection is a 2x2 max-pool, except in the last block, which has none. */
export function stridedRow<V>(index: i32, out: usize, columns: i32): void {
  const one = layer(index);
  const from = one.from, to = one.to, depthwise = one.depthwise, pointwise = one.pointwise, bias = one.bias;
  const around: usize = index == BLOCKS ? 0 : from;
  const upper = load<usize>(ROWS), lower = load<usize>(ROWS, 4);
  for (let x = 0; x < columns; x += 4) {
    for (let pixel: usize = 0; pixel < 4; pixel++) {
      const corner = (2 * (<usize>x + pixel) + 1) * from;
      for (let c: usize = 0; c < from; c += sizeof<V>()) {
        let sum = all<V>(0);
        let w = depthwise + c;
        for (let i: usize = ROWS; i < ROWS + 12; i += 4) {
          const p = load<usize>(i) + corner + c;
          sum = madd<V>(read<V>(p), read<V>(w), sum);
          sum = madd<V>(read<V>(p + from), read<V>(w + from), sum);
          sum = madd<V>(read<V>(p + 2 * from), read<V>(w + 2 * from), sum);
          w += 3 * from;
        }
        write<V>(TILE + 384 * pixel + c, sum);
        const p = upper + corner + c, q = lower + corner + c;
        write<V>(
          POOLED + pixel * from + c,
          greater<V>(greater<V>(read<V>(p), read<V>(p + from)), greater<V>(read<V>(q), read<V>(q + from))),
        );
      }
    }
    four<V>(TILE, pointwise, bias, from, to, POOLED, around, out + <usize>x * to);
  }
}

/** Six pixels of TILE, from `tile` on, through a pointwise convolution, bias, residual connection, ReLU. */
// @ts-ignore: decorator
@inline
function six<V>(tile: usize, w: usize, bias: usize, size: usize, beside: usize, out: usize): void {
  const step: usize = sizeof<V>();
  const zero = all<V>(0);
  for (let o: usize = 0; o < size; o += 2 * step) {
    let a0 = read<V>(bias + o), a1 = read<V>(bias + o, step);
    let b0 = a0, b1 = a1, c0 = a0, c1 = a1, d0 = a0, d1 = a1, e0 = a0, e1 = a1, f0 = a0, f1 = a1;
    for (let p = tile, end = tile + size; p < end; p += 4) {
      const w0 = read<V>(w), w1 = read<V>(w, step);
      let v = splat<V>(p);
      a0 = madd<V>(v, w0, a0); a1 = madd<V>(v, w1, a1);
      v = splat<V>(p + 384);
      b0 = madd<V>(v, w0, b0); b1 = madd<V>(v, w1, b1);
      v = splat<V>(p + 768);
      c0 = madd<V>(v, w0, c0); c1 = madd<V>(v, w1, c1);
      v = splat<V>(p + 1152);
      d0 = madd<V>(v, w0, d0); d1 = madd<V>(v, w1, d1);
      v = splat<V>(p + 1536);
      e0 = madd<V>(v, w0, e0); e1 = madd<V>(v, w1, e1);
      v = splat<V>(p + 1920);
      f0 = madd<V>(v, w0, f0); f1 = madd<V>(v, w1, f1);
      w += 2 * step;
    }
    let r = beside + o, to = out + o;
    write<V>(to, greater<V>(add<V>(a0, read<V>(r)), zero));
    write<V>(to + step, greater<V>(add<V>(a1, read<V>(r, step)), zero));
    r += size; to += size;
    write<V>(to, greater<V>(add<V>(b0, read<V>(r)), zero));
    write<V>(to + step, greater<V>(add<V>(b1, read<V>(r, step)), zero));
    r += size; to += size;
    write<V>(to, greater<V>(add<V>(c0, read<V>(r)), zero));
    write<V>(to + step, greater<V>(add<V>(c1, read<V>(r, step)), zero));
    r += size; to += size;
    write<V>(to, greater<V>(add<V>(d0, read<V>(r)), zero));
    write<V>(to + step, greater<V>(add<V>(d1, read<V>(r, step)), zero));
    r += size; to += size;
    write<V>(to, greater<V>(add<V>(e0, read<V>(r)), zero));
    write<V>(to + step, greater<V>(add<V>(e1, read<V>(r, step)), zero));
    r += size; to += size;
    write<V>(to, greater<V>(add<V>(f0, read<V>(r)), zero));
    write<V>(to + step, greater<V>(add<V>(f1, read<V>(r, step)), zero));
  }
}

/** Four pixels of TILE, from `tile` on, through a pointwise convolution, bias, the first `around` bytes of the residual connection, ReLU. */
// @ts-ignore: decorator
@inline
function four<V>(
  tile: usize, w: usize, bias: usize, from: usize, to: usize, beside: usize, around: usize, out: usize,
): void {
  const step: usize = sizeof<V>();
  const zero = all<V>(0);
  for (let o: usize = 0; o < to; o += 2 * step) {
    let a0 = read<V>(bias + o), a1 = read<V>(bias + o, step);
    let b0 = a0, b1 = a1, c0 = a0, c1 = a1, d0 = a0, d1 = a1;
    for (let p = tile, end = tile + from; p < end; p += 8) {
      let w0 = read<V>(w), w1 = read<V>(w, step);
      let v = splat<V>(p);
      a0 = madd<V>(v, w0, a0); a1 = madd<V>(v, w1, a1);
      v = splat<V>(p + 384);
      b0 = madd<V>(v, w0, b0); b1 = madd<V>(v, w1, b1);
      v = splat<V>(p + 768);
      c0 = madd<V>(v, w0, c0); c1 = madd<V>(v, w1, c1);
      v = splat<V>(p + 1152);
      d0 = madd<V>(v, w0, d0); d1 = madd<V>(v, w1, d1);
      w0 = read<V>(w, 2 * step); w1 = read<V>(w, 3 * step);
      v = splat<V>(p + 4);
      a0 = madd<V>(v, w0, a0); a1 = madd<V>(v, w1, a1);
      v = splat<V>(p + 388);
      b0 = madd<V>(v, w0, b0); b1 = madd<V>(v, w1, b1);
      v = splat<V>(p + 772);
      c0 = madd<V>(v, w0, c0); c1 = madd<V>(v, w1, c1);
      v = splat<V>(p + 1156);
      d0 = madd<V>(v, w0, d0); d1 = madd<V>(v, w1, d1);
      w += 4 * step;
    }
    if (o < around) {
      const r = beside + o;
      a0 = add<V>(a0, read<V>(r)); a1 = add<V>(a1, read<V>(r, step));
      b0 = add<V>(b0, read<V>(r + around)); b1 = add<V>(b1, read<V>(r + around, step));
      c0 = add<V>(c0, read<V>(r + 2 * around)); c1 = add<V>(c1, read<V>(r + 2 * around, step));
      d0 = add<V>(d0, read<V>(r + 3 * around)); d1 = add<V>(d1, read<V>(r + 3 * around, step));
    }
    const r = out + o;
    write<V>(r, greater<V>(a0, zero)); write<V>(r + step, greater<V>(a1, zero));
    write<V>(r + to, greater<V>(b0, zero)); write<V>(r + (to + step), greater<V>(b1, zero));
    write<V>(r + 2 * to, greater<V>(c0, zero)); write<V>(r + (2 * to + step), greater<V>(c1, zero));
    write<V>(r + 3 * to, greater<V>(d0, zero)); write<V>(r + (3 * to + step), greater<V>(d1, zero));
  }
}
