import { madd, mul, read, write } from '../../network/assembly/vector';
import { ROWS, TILE } from './layout';

/**
 * Depthwise sums of `pixels` pixels, an even number, to TILE, 384 bytes each. The filters of V channels stay in registers and move along the
 * rows: each input is read once; it completes one sum, is added to the next, and begins a third.
 *
 * @param x - Bytes from the start of a row to the pixel on the left of the first.
 */
// @ts-ignore: decorator
@inline
export function depthwiseSums<V>(filters: usize, size: usize, x: usize, pixels: usize): void {
  for (let o: usize = 0; o < size; o += sizeof<V>()) {
    const t = filters + o;
    const w0 = read<V>(t), w1 = read<V>(t, size), w2 = read<V>(t, 2 * size);
    const w3 = read<V>(t, 3 * size), w4 = read<V>(t, 4 * size), w5 = read<V>(t, 5 * size);
    const w6 = read<V>(t, 6 * size), w7 = read<V>(t, 7 * size), w8 = read<V>(t, 8 * size);
    let p = load<usize>(ROWS) + x + o, q = load<usize>(ROWS, 4) + x + o, r = load<usize>(ROWS, 8) + x + o;
    let v = read<V>(p);
    let a = mul<V>(v, w0);
    v = read<V>(q);
    a = madd<V>(v, w3, a);
    v = read<V>(r);
    a = madd<V>(v, w6, a);
    p += size; q += size; r += size;
    v = read<V>(p);
    a = madd<V>(v, w1, a);
    let b = mul<V>(v, w0);
    v = read<V>(q);
    a = madd<V>(v, w4, a);
    b = madd<V>(v, w3, b);
    v = read<V>(r);
    a = madd<V>(v, w7, a);
    b = madd<V>(v, w6, b);
    const end = TILE + o + 384 * pixels;
    for (let to = TILE + o; to < end; to += 768) {
      p += size; q += size; r += size;
      v = read<V>(p);
      a = madd<V>(v, w2, a);
      b = madd<V>(v, w1, b);
      let c = mul<V>(v, w0);
      v = read<V>(q);
      a = madd<V>(v, w5, a);
      b = madd<V>(v, w4, b);
      c = madd<V>(v, w3, c);
      v = read<V>(r);
      write<V>(to, madd<V>(v, w8, a));
      b = madd<V>(v, w7, b);
      c = madd<V>(v, w6, c);
      p += size; q += size; r += size;
      v = read<V>(p);
      b = madd<V>(v, w2, b);
      a = madd<V>(v, w1, c);
      c = mul<V>(v, w0);
      v = read<V>(q);
      b = madd<V>(v, w5, b);
      a = madd<V>(v, w4, a);
      c = madd<V>(v, w3, c);
      v = read<V>(r);
      write<V>(to + 384, madd<V>(v, w8, b));
      a = madd<V>(v, w7, a);
      b = madd<V>(v, w6, c);
    }
  }
}
