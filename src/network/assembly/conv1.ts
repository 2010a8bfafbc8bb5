import { CONV1, CONV1_BIAS, IMAGE, MAP } from './layout';
import { add, all, greater, madd, read, splat, write } from './vector';

/** Copies one face into the middle of the padded image. */
export function border(face: usize): void {
  for (let row: usize = 0; row < 32; row++) {
    memory.copy(IMAGE + ((row + 1) * 34 + 1) * 4, face + row * 128, 128);
  }
}

/**
 * IMAGE to MAP: 3x3 convolution of one channel to 32, bias, ReLU, 2x2 max-pool. The four pixels of a pool stay in
 * registers, two V of channels each.
 */
export function conv1<V>(): void {
  const step: usize = sizeof<V>();
  const zero = all<V>(0);
  for (let c: usize = 0; c < 128; c += 2 * step) {
    const b0 = read<V>(CONV1_BIAS + c), b1 = read<V>(CONV1_BIAS + c + step);
    for (let y: usize = 0; y < 16; y++) {
      let image: usize = IMAGE + y * (2 * 34 * 4);
      let to: usize = MAP + ((y + 1) * 18 + 1) * 128 + c;
      for (let x = 0; x < 16; x++) {
        let a0 = all<V>(0), a1 = all<V>(0), d0 = all<V>(0), d1 = all<V>(0);
        let e0 = all<V>(0), e1 = all<V>(0), f0 = all<V>(0), f1 = all<V>(0);
        let w: usize = CONV1 + c;
        let pixel = image;
        for (let i = 0; i < 3; i++) {
          let w0 = read<V>(w), w1 = read<V>(w, step);
          let p = splat<V>(pixel), q = splat<V>(pixel + 136);
          a0 = madd<V>(p, w0, a0); a1 = madd<V>(p, w1, a1);
          e0 = madd<V>(q, w0, e0); e1 = madd<V>(q, w1, e1);
          p = splat<V>(pixel + 4); q = splat<V>(pixel + 140);
          d0 = madd<V>(p, w0, d0); d1 = madd<V>(p, w1, d1);
          f0 = madd<V>(q, w0, f0); f1 = madd<V>(q, w1, f1);
          w0 = read<V>(w, 128); w1 = read<V>(w, 128 + step);
          a0 = madd<V>(p, w0, a0); a1 = madd<V>(p, w1, a1);
          e0 = madd<V>(q, w0, e0); e1 = madd<V>(q, w1, e1);
          p = splat<V>(pixel + 8); q = splat<V>(pixel + 144);
          d0 = madd<V>(p, w0, d0); d1 = madd<V>(p, w1, d1);
          f0 = madd<V>(q, w0, f0); f1 = madd<V>(q, w1, f1);
          w0 = read<V>(w, 256); w1 = read<V>(w, 256 + step);
          a0 = madd<V>(p, w0, a0); a1 = madd<V>(p, w1, a1);
          e0 = madd<V>(q, w0, e0); e1 = madd<V>(q, w1, e1);
          p = splat<V>(pixel + 12); q = splat<V>(pixel + 148);
          d0 = madd<V>(p, w0, d0); d1 = madd<V>(p, w1, d1);
          f0 = madd<V>(q, w0, f0); f1 = madd<V>(q, w1, f1);
          w += 384;
          pixel += 136;
        }
        const best0 = greater<V>(greater<V>(a0, d0), greater<V>(e0, f0));
        const best1 = greater<V>(greater<V>(a1, d1), greater<V>(e1, f1));
        write<V>(to, greater<V>(add<V>(best0, b0), zero));
        write<V>(to + step, greater<V>(add<V>(best1, b1), zero));
        image += 8;
        to += 128;
      }
    }
  }
}
