/** out[row, :] = x[row, :] + bias. */
export function addBias(x: usize, bias: usize, out: usize, rows: i32, columns: i32): void {
  for (let row = 0; row < rows; row++) {
    let b = bias;
    let c = columns;
    for (; c >= 4; c -= 4) {
      v128.store(out, f32x4.add(v128.load(x), v128.load(b)));
      x += 16; b += 16; out += 16;
    }
    for (; c > 0; c--) {
      store<f32>(out, load<f32>(x) + load<f32>(b));
      x += 4; b += 4; out += 4;
    }
  }
}

/** out = x > 0 ? dy : 0; NaN where x is NaN. */
export function reluGradient(x: usize, dy: usize, out: usize, count: i32): void {
  const zero = f32x4.splat(0);
  let i = count;
  for (; i >= 4; i -= 4) {
    const value = v128.load(x);
    const kept = v128.and(v128.load(dy), f32x4.gt(value, zero));
    v128.store(out, v128.bitselect(kept, value, f32x4.eq(value, value)));
    x += 16; dy += 16; out += 16;
  }
  for (; i > 0; i--) {
    const value = load<f32>(x);
    store<f32>(out, value == value ? (value > 0 ? load<f32>(dy) : 0) : value);
    x += 4; dy += 4; out += 4;
  }
}

/** Number of rows per partial sum, which keeps rounding errors small. */
const ROWS_AT_ONCE: i32 = 64;

/** out[column] = sum over rows of x[row, column]. */
export function sumRows(x: usize, out: usize, rows: i32, columns: i32): void {
  memory.fill(out, 0, 4 * <usize>columns);
  const line = 4 * <usize>columns;
  for (let row = 0; row < rows; row += ROWS_AT_ONCE) {
    const first = x + <usize>row * line;
    const count = min(ROWS_AT_ONCE, rows - row);
    let c = 0;
    for (; c + 16 <= columns; c += 16) {
      let p = first + 4 * <usize>c;
      let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
      for (let i = 0; i < count; i++) {
        s0 = f32x4.add(s0, v128.load(p));
        s1 = f32x4.add(s1, v128.load(p, 16));
        s2 = f32x4.add(s2, v128.load(p, 32));
        s3 = f32x4.add(s3, v128.load(p, 48));
        p += line;
      }
      const to = out + 4 * <usize>c;
      v128.store(to, f32x4.add(v128.load(to), s0));
      v128.store(to, f32x4.add(v128.load(to, 16), s1), 16);
      v128.store(to, f32x4.add(v128.load(to, 32), s2), 32);
      v128.store(to, f32x4.add(v128.load(to, 48), s3), 48);
    }
    for (; c + 4 <= columns; c += 4) {
      let p = first + 4 * <usize>c;
      let sum = f32x4.splat(0);
      for (let i = 0; i < count; i++) {
        sum = f32x4.add(sum, v128.load(p));
        p += line;
      }
      const to = out + 4 * <usize>c;
      v128.store(to, f32x4.add(v128.load(to), sum));
    }
    for (; c < columns; c++) {
      let p = first + 4 * <usize>c;
      let sum: f32 = 0;
      for (let i = 0; i < count; i++) {
        sum += load<f32>(p);
        p += line;
      }
      const to = out + 4 * <usize>c;
      store<f32>(to, load<f32>(to) + sum);
    }
  }
}

/**
 * out = x * scale where the hash of (seed, index) is at least `threshold`, else 0. The hash is the finalizer of
 * MurmurHash3 (Appleby), on index + seed * 0x9E3779B9; `threshold` is rate * 2^32.
 */
export function dropout(x: usize, out: usize, count: i32, seed: i32, threshold: u32, scale: f32): void {
  const start = seed * <i32>0x9e3779b9;
  let index = i32x4.add(i32x4.splat(start), i32x4(0, 1, 2, 3));
  const limit = i32x4.splat(<i32>(threshold ^ 0x80000000));
  const sign = i32x4.splat(<i32>0x80000000);
  const by = f32x4.splat(scale);
  let i = count;
  for (; i >= 4; i -= 4) {
    let h = v128.xor(index, i32x4.shr_u(index, 16));
    h = i32x4.mul(h, i32x4.splat(<i32>0x85ebca6b));
    h = v128.xor(h, i32x4.shr_u(h, 13));
    h = i32x4.mul(h, i32x4.splat(<i32>0xc2b2ae35));
    h = v128.xor(h, i32x4.shr_u(h, 16));
    const kept = i32x4.ge_s(v128.xor(h, sign), limit);
    v128.store(out, v128.and(f32x4.mul(v128.load(x), by), kept));
    index = i32x4.add(index, i32x4.splat(4));
    x += 16; out += 16;
  }
  for (let j = count & ~3; j < count; j++) {
    let h = <u32>(start + j);
    h ^= h >> 16;
    h *= 0x85ebca6b;
    h ^= h >> 13;
    h *= 0xc2b2ae35;
    h ^= h >> 16;
    store<f32>(out, h >= threshold ? load<f32>(x) * scale : 0);
    x += 4; out += 4;
  }
}
