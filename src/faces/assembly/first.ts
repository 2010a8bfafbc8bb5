import { all, greater, madd, read, splat, write } from '../../network/assembly/vector';
import { FIRST, FIRST_BIAS, ROWS } from './layout';

/** A row of the first convolution: 5x5 filters of three channels with stride 2, bias, ReLU; six pixels by two V at a time. */
export function firstRow<V>(out: usize, columns: i32): void {
  const step: usize = sizeof<V>();
  const zero = all<V>(0);
  for (let x: usize = 0; x < <usize>columns; x += 6) {
    let w: usize = FIRST;
    for (let o: usize = 0; o < 96; o += 2 * step) {
      let a0 = read<V>(FIRST_BIAS + o), a1 = read<V>(FIRST_BIAS + o, step);
      let b0 = a0, b1 = a1, c0 = a0, c1 = a1, d0 = a0, d1 = a1, e0 = a0, e1 = a1, f0 = a0, f1 = a1;
      for (let i: usize = ROWS; i < ROWS + 20; i += 4) {
        let p = load<usize>(i) + 24 * x;
        for (const end = p + 60; p < end; p += 4) {
          const w0 = read<V>(w), w1 = read<V>(w, step);
          let v = splat<V>(p);
          a0 = madd<V>(v, w0, a0); a1 = madd<V>(v, w1, a1);
          v = splat<V>(p + 24);
          b0 = madd<V>(v, w0, b0); b1 = madd<V>(v, w1, b1);
          v = splat<V>(p + 48);
          c0 = madd<V>(v, w0, c0); c1 = madd<V>(v, w1, c1);
          v = splat<V>(p + 72);
          d0 = madd<V>(v, w0, d0); d1 = madd<V>(v, w1, d1);
          v = splat<V>(p + 96);
          e0 = madd<V>(v, w0, e0); e1 = madd<V>(v, w1, e1);
          v = splat<V>(p + 120);
          f0 = madd<V>(v, w0, f0); f1 = madd<V>(v, w1, f1);
          w += 2 * step;
        }
      }
      const to = out + 96 * x + o;
      write<V>(to, greater<V>(a0, zero)); write<V>(to + step, greater<V>(a1, zero));
      write<V>(to + 96, greater<V>(b0, zero)); write<V>(to + 96 + step, greater<V>(b1, zero));
      write<V>(to + 192, greater<V>(c0, zero)); write<V>(to + 192 + step, greater<V>(c1, zero));
      write<V>(to + 288, greater<V>(d0, zero)); write<V>(to + 288 + step, greater<V>(d1, zero));
      write<V>(to + 384, greater<V>(e0, zero)); write<V>(to + 384 + step, greater<V>(e1, zero));
      write<V>(to + 480, greater<V>(f0, zero)); write<V>(to + 480 + step, greater<V>(f1, zero));
    }
  }
}
