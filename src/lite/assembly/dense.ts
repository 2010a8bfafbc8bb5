import { COUNTS, DENSE1, DENSE1_BIAS, DENSE2, DENSE2_BIAS, FEATURES, HIDDEN, LISTS, OUTPUTS, STAGE } from './layout';
import { add, all, greater, madd, read, splat, write } from './vector';

/** FEATURES to the list of a face: those that ReLU left, each with the offset of its row of weights. Zeros need no work. */
export function listFeatures<V>(face: usize): void {
  const row: usize = 8 * sizeof<V>();
  const list: usize = LISTS + face * 2048 * 8;
  let to = list;
  let offset: usize = 0;
  for (let k: usize = 0; k < 2048 * 4; k += 4) {
    const value = load<f32>(FEATURES + k);
    store<usize>(to, offset);
    store<f32>(to, value, 4);
    to += usize(value != 0) << 3;
    offset += row;
  }
  store<usize>(COUNTS + face * 4, to - list);
}

/**
 * Lists to HIDDEN: dense 2048 to 256, bias, ReLU. Block by block of 8 V columns, so that a block's weights come from
 * the cache for every face but the first.
 */
export function dense1<V>(faces: usize): void {
  const step: usize = sizeof<V>();
  const row: usize = 8 * step;
  const zero = all<V>(0);
  let weights: usize = DENSE1;
  for (let o: usize = 0; o < 1024; o += row) {
    for (let face: usize = 0; face < faces; face++) {
      const bias: usize = DENSE1_BIAS + o;
      let c0 = read<V>(bias), c1 = read<V>(bias, step), c2 = read<V>(bias, 2 * step), c3 = read<V>(bias, 3 * step);
      let c4 = read<V>(bias, 4 * step), c5 = read<V>(bias, 5 * step), c6 = read<V>(bias, 6 * step);
      let c7 = read<V>(bias, 7 * step);
      let at: usize = LISTS + face * 2048 * 8;
      const end: usize = at + load<usize>(COUNTS + face * 4);
      for (; at < end; at += 8) {
        const w = weights + load<usize>(at);
        const x = splat<V>(at + 4);
        c0 = madd<V>(x, read<V>(w), c0);
        c1 = madd<V>(x, read<V>(w, step), c1);
        c2 = madd<V>(x, read<V>(w, 2 * step), c2);
        c3 = madd<V>(x, read<V>(w, 3 * step), c3);
        c4 = madd<V>(x, read<V>(w, 4 * step), c4);
        c5 = madd<V>(x, read<V>(w, 5 * step), c5);
        c6 = madd<V>(x, read<V>(w, 6 * step), c6);
        c7 = madd<V>(x, read<V>(w, 7 * step), c7);
      }
      const to: usize = HIDDEN + face * 1024 + o;
      write<V>(to, greater<V>(c0, zero));
      write<V>(to + step, greater<V>(c1, zero));
      write<V>(to + 2 * step, greater<V>(c2, zero));
      write<V>(to + 3 * step, greater<V>(c3, zero));
      write<V>(to + 4 * step, greater<V>(c4, zero));
      write<V>(to + 5 * step, greater<V>(c5, zero));
      write<V>(to + 6 * step, greater<V>(c6, zero));
      write<V>(to + 7 * step, greater<V>(c7, zero));
    }
    weights += 2048 * row;
  }
}

/** STAGE, `rows` rows from `first` on of [2048,256], to their places in DENSE1. */
export function packDense1<V>(first: usize, rows: usize): void {
  const row: usize = 8 * sizeof<V>();
  for (let k: usize = 0; k < rows; k++) {
    for (let o: usize = 0; o < 1024; o += row) {
      memory.copy(DENSE1 + o * 2048 + (first + k) * row, STAGE + k * 1024 + o, row);
    }
  }
}

/** STAGE [256,5] to DENSE2. */
export function packDense2(): void {
  for (let k: usize = 0; k < 256; k++) memory.copy(DENSE2 + k * 32, STAGE + k * 20, 20);
}

/** HIDDEN to OUTPUTS: dense 256 to 5, softmax. */
export function dense2<V>(face: usize): void {
  const step: usize = sizeof<V>();
  const out: usize = OUTPUTS + face * 32;
  for (let o: usize = 0; o < 32; o += 2 * step) {
    let c0 = read<V>(DENSE2_BIAS + o), c1 = read<V>(DENSE2_BIAS + o, step);
    let d0 = all<V>(0), d1 = all<V>(0);
    let w: usize = DENSE2 + o;
    let x: usize = HIDDEN + face * 1024;
    for (const end = x + 1024; x < end; x += 8) {
      const x0 = splat<V>(x), x1 = splat<V>(x + 4);
      c0 = madd<V>(x0, read<V>(w), c0);
      c1 = madd<V>(x0, read<V>(w, step), c1);
      d0 = madd<V>(x1, read<V>(w, 32), d0);
      d1 = madd<V>(x1, read<V>(w, 32 + step), d1);
      w += 64;
    }
    write<V>(out + o, add<V>(c0, d0));
    write<V>(out + o + step, add<V>(c1, d1));
  }
  softmax(out);
}

/** Five logits to probabilities, in place. */
function softmax(at: usize): void {
  let top: f32 = -Infinity;
  for (let k: usize = 0; k < 20; k += 4) top = max<f32>(top, load<f32>(at + k));
  let total: f32 = 0;
  for (let k: usize = 0; k < 20; k += 4) {
    const value = Mathf.exp(load<f32>(at + k) - top);
    store<f32>(at + k, value);
    total += value;
  }
  for (let k: usize = 0; k < 20; k += 4) store<f32>(at + k, load<f32>(at + k) / total);
}
