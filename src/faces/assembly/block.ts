import { add, all, greater, madd, read, splat, write } from '../../network/assembly/vector';
import { layer } from './layers';
import { BLOCKS, POOLED, ROWS, TILE } from './layout';

/*
 * Rows of blocks: depthwise 3x3, pointwise, bias, residual connection, ReLU. Depthwise sums of a few pixels go to TILE, and from
 * there through the pointwise filters.
 */

/*
 * Rows of blocks that keep their size and channels. Six pixels at a time where possible, because twelve sums hide the latency of
 * a multiply-add. One function per number of channels, so that it is a constant for the compiler.
 */

export function row24<V>(depthwise: usize, pointwise: usize, bias: usize, out: usize, columns: i32): void {
  const size: usize = 24 * 4;
  const center = load<usize>(ROWS, 4) + size;
  const end = <usize>columns * size;
  // Up to five extra pixels cost less here than groups of four.
  for (let x: usize = 0; x < end; x += 6 * size) six<V>(depthwise, pointwise, bias, size, x, center, out);
}

export function row48<V>(depthwise: usize, pointwise: usize, bias: usize, out: usize, columns: i32): void {
  sixesAndFours<V>(depthwise, pointwise, bias, 48 * 4, out, columns);
}

export function row96<V>(depthwise: usize, pointwise: usize, bias: usize, out: usize, columns: i32): void {
  sixesAndFours<V>(depthwise, pointwise, bias, 96 * 4, out, columns);
}

// @ts-ignore: decorator
@inline
function sixesAndFours<V>(
  depthwise: usize, pointwise: usize, bias: usize, size: usize, out: usize, columns: i32,
): void {
  const center = load<usize>(ROWS, 4) + size;
  const end = <usize>columns * size;
  const rest = columns % 6;
  const inSixes = <usize>max(rest == 2 ? columns - 8 : columns - rest, 0) * size;
  let x: usize = 0;
  for (; x < inSixes; x += 6 * size) six<V>(depthwise, pointwise, bias, size, x, center, out);
  for (; x < end; x += 4 * size) four<V>(depthwise, pointwise, bias, size, x, center + x, out + x);
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
        const at = pixel * from + c;
        write<V>(TILE + at, sum);
        const p = upper + corner + c, q = lower + corner + c;
        write<V>(
          POOLED + at,
          greater<V>(greater<V>(read<V>(p), read<V>(p + from)), greater<V>(read<V>(q), read<V>(q + from))),
        );
      }
    }
    mix<V>(pointwise, bias, from, to, POOLED, around, out + <usize>x * to);
  }
}

// @ts-ignore: decorator
@inline
function six<V>(depthwise: usize, w: usize, bias: usize, size: usize, x: usize, beside: usize, out: usize): void {
  const step: usize = sizeof<V>();
  const zero = all<V>(0);
  for (let o: usize = 0; o < size; o += step) {
    let a = all<V>(0), b = a, c = a, d = a, e = a, f = a;
    let t = depthwise + o;
    for (let i: usize = ROWS; i < ROWS + 12; i += 4) {
      const p = load<usize>(i) + x + o;
      const w0 = read<V>(t), w1 = read<V>(t, size), w2 = read<V>(t, 2 * size);
      let v = read<V>(p);
      a = madd<V>(v, w0, a);
      v = read<V>(p, size);
      a = madd<V>(v, w1, a);
      b = madd<V>(v, w0, b);
      v = read<V>(p, 2 * size);
      a = madd<V>(v, w2, a);
      b = madd<V>(v, w1, b);
      c = madd<V>(v, w0, c);
      v = read<V>(p, 3 * size);
      b = madd<V>(v, w2, b);
      c = madd<V>(v, w1, c);
      d = madd<V>(v, w0, d);
      v = read<V>(p, 4 * size);
      c = madd<V>(v, w2, c);
      d = madd<V>(v, w1, d);
      e = madd<V>(v, w0, e);
      v = read<V>(p, 5 * size);
      d = madd<V>(v, w2, d);
      e = madd<V>(v, w1, e);
      f = madd<V>(v, w0, f);
      v = read<V>(p, 6 * size);
      e = madd<V>(v, w2, e);
      f = madd<V>(v, w1, f);
      v = read<V>(p, 7 * size);
      f = madd<V>(v, w2, f);
      t += 3 * size;
    }
    write<V>(TILE + o, a);
    write<V>(TILE + size + o, b);
    write<V>(TILE + 2 * size + o, c);
    write<V>(TILE + 3 * size + o, d);
    write<V>(TILE + 4 * size + o, e);
    write<V>(TILE + 5 * size + o, f);
  }
  for (let o: usize = 0; o < size; o += 2 * step) {
    let a0 = read<V>(bias + o), a1 = read<V>(bias + o, step);
    let b0 = a0, b1 = a1, c0 = a0, c1 = a1, d0 = a0, d1 = a1, e0 = a0, e1 = a1, f0 = a0, f1 = a1;
    for (let p: usize = TILE; p < TILE + size; p += 4) {
      const w0 = read<V>(w), w1 = read<V>(w, step);
      let v = splat<V>(p);
      a0 = madd<V>(v, w0, a0); a1 = madd<V>(v, w1, a1);
      v = splat<V>(p + size);
      b0 = madd<V>(v, w0, b0); b1 = madd<V>(v, w1, b1);
      v = splat<V>(p + 2 * size);
      c0 = madd<V>(v, w0, c0); c1 = madd<V>(v, w1, c1);
      v = splat<V>(p + 3 * size);
      d0 = madd<V>(v, w0, d0); d1 = madd<V>(v, w1, d1);
      v = splat<V>(p + 4 * size);
      e0 = madd<V>(v, w0, e0); e1 = madd<V>(v, w1, e1);
      v = splat<V>(p + 5 * size);
      f0 = madd<V>(v, w0, f0); f1 = madd<V>(v, w1, f1);
      w += 2 * step;
    }
    const r = beside + x + o, to = out + x + o;
    write<V>(to, greater<V>(add<V>(a0, read<V>(r)), zero));
    write<V>(to + step, greater<V>(add<V>(a1, read<V>(r, step)), zero));
    write<V>(to + size, greater<V>(add<V>(b0, read<V>(r, size)), zero));
    write<V>(to + (size + step), greater<V>(add<V>(b1, read<V>(r, size + step)), zero));
    write<V>(to + 2 * size, greater<V>(add<V>(c0, read<V>(r, 2 * size)), zero));
    write<V>(to + (2 * size + step), greater<V>(add<V>(c1, read<V>(r, 2 * size + step)), zero));
    write<V>(to + 3 * size, greater<V>(add<V>(d0, read<V>(r, 3 * size)), zero));
    write<V>(to + (3 * size + step), greater<V>(add<V>(d1, read<V>(r, 3 * size + step)), zero));
    write<V>(to + 4 * size, greater<V>(add<V>(e0, read<V>(r, 4 * size)), zero));
    write<V>(to + (4 * size + step), greater<V>(add<V>(e1, read<V>(r, 4 * size + step)), zero));
    write<V>(to + 5 * size, greater<V>(add<V>(f0, read<V>(r, 5 * size)), zero));
    write<V>(to + (5 * size + step), greater<V>(add<V>(f1, read<V>(r, 5 * size + step)), zero));
  }
}

// @ts-ignore: decorator
@inline
function four<V>(depthwise: usize, pointwise: usize, bias: usize, size: usize, x: usize, beside: usize, out: usize): void {
  for (let c: usize = 0; c < size; c += sizeof<V>()) {
    let a = all<V>(0), b = a, d = a, e = a;
    let w = depthwise + c;
    for (let i: usize = ROWS; i < ROWS + 12; i += 4) {
      const p = load<usize>(i) + x + c;
      const w0 = read<V>(w), w1 = read<V>(w, size), w2 = read<V>(w, 2 * size);
      let v = read<V>(p);
      a = madd<V>(v, w0, a);
      v = read<V>(p, size);
      a = madd<V>(v, w1, a);
      b = madd<V>(v, w0, b);
      v = read<V>(p, 2 * size);
      a = madd<V>(v, w2, a);
      b = madd<V>(v, w1, b);
      d = madd<V>(v, w0, d);
      v = read<V>(p, 3 * size);
      b = madd<V>(v, w2, b);
      d = madd<V>(v, w1, d);
      e = madd<V>(v, w0, e);
      v = read<V>(p, 4 * size);
      d = madd<V>(v, w2, d);
      e = madd<V>(v, w1, e);
      v = read<V>(p, 5 * size);
      e = madd<V>(v, w2, e);
      w += 3 * size;
    }
    write<V>(TILE + c, a);
    write<V>(TILE + size + c, b);
    write<V>(TILE + 2 * size + c, d);
    write<V>(TILE + 3 * size + c, e);
  }
  mix<V>(pointwise, bias, size, size, beside, size, out);
}

/** TILE through a pointwise convolution, bias, the first `around` bytes of the residual connection, ReLU. */
// @ts-ignore: decorator
@inline
function mix<V>(w: usize, bias: usize, from: usize, to: usize, beside: usize, around: usize, out: usize): void {
  const step: usize = sizeof<V>();
  const zero = all<V>(0);
  for (let o: usize = 0; o < to; o += 2 * step) {
    let a0 = read<V>(bias + o), a1 = read<V>(bias + o, step);
    let b0 = a0, b1 = a1, c0 = a0, c1 = a1, d0 = a0, d1 = a1;
    for (let p: usize = TILE; p < TILE + from; p += 8) {
      let w0 = read<V>(w), w1 = read<V>(w, step);
      let v = splat<V>(p);
      a0 = madd<V>(v, w0, a0); a1 = madd<V>(v, w1, a1);
      v = splat<V>(p + from);
      b0 = madd<V>(v, w0, b0); b1 = madd<V>(v, w1, b1);
      v = splat<V>(p + 2 * from);
      c0 = madd<V>(v, w0, c0); c1 = madd<V>(v, w1, c1);
      v = splat<V>(p + 3 * from);
      d0 = madd<V>(v, w0, d0); d1 = madd<V>(v, w1, d1);
      w0 = read<V>(w, 2 * step); w1 = read<V>(w, 3 * step);
      v = splat<V>(p + 4);
      a0 = madd<V>(v, w0, a0); a1 = madd<V>(v, w1, a1);
      v = splat<V>(p + (from + 4));
      b0 = madd<V>(v, w0, b0); b1 = madd<V>(v, w1, b1);
      v = splat<V>(p + (2 * from + 4));
      c0 = madd<V>(v, w0, c0); c1 = madd<V>(v, w1, c1);
      v = splat<V>(p + (3 * from + 4));
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
