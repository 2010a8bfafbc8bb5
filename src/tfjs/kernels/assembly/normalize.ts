/*
 * What batch normalization and clipping need for their gradients: passes over rows of `columns` numbers.
 */

/** Rows that are added up before their sum joins the total, to keep rounding errors small. */
const ROWS_AT_ONCE: i32 = 64;

/** sums[c] = sum over rows of dy[row, c]; products[c] = sum over rows of dy[row, c] * (x[row, c] - mean[c]). */
export function sumsOfGradient(
  x: usize, dy: usize, mean: usize, sums: usize, products: usize, rows: i32, columns: i32,
): void {
  const line: usize = 4 * <usize>columns;
  memory.fill(sums, 0, line);
  memory.fill(products, 0, line);
  for (let row = 0; row < rows; row += ROWS_AT_ONCE) {
    const first = <usize>row * line;
    const count = min(ROWS_AT_ONCE, rows - row);
    let c: usize = 0;
    for (; c + 32 <= line; c += 32) {
      let p = x + first + c, g = dy + first + c;
      const m0 = v128.load(mean + c), m1 = v128.load(mean + c, 16);
      let s0 = f32x4.splat(0), s1 = s0, t0 = s0, t1 = s0;
      for (let i = 0; i < count; i++) {
        const g0 = v128.load(g), g1 = v128.load(g, 16);
        s0 = f32x4.add(s0, g0); s1 = f32x4.add(s1, g1);
        t0 = f32x4.add(t0, f32x4.mul(g0, f32x4.sub(v128.load(p), m0)));
        t1 = f32x4.add(t1, f32x4.mul(g1, f32x4.sub(v128.load(p, 16), m1)));
        p += line; g += line;
      }
      addTo(sums + c, s0); addTo(sums + c + 16, s1);
      addTo(products + c, t0); addTo(products + c + 16, t1);
    }
    for (; c < line; c += 4) {
      let p = x + first + c, g = dy + first + c;
      const m = load<f32>(mean + c);
      let s: f32 = 0, t: f32 = 0;
      for (let i = 0; i < count; i++) {
        s += load<f32>(g);
        t += load<f32>(g) * (load<f32>(p) - m);
        p += line; g += line;
      }
      store<f32>(sums + c, load<f32>(sums + c) + s);
      store<f32>(products + c, load<f32>(products + c) + t);
    }
  }
}

// @ts-ignore: decorator
@inline
function addTo(to: usize, value: v128): void {
  v128.store(to, f32x4.add(v128.load(to), value));
}

/** out[row, :] = x[row, :] * scale. */
export function scaleRows(x: usize, scale: usize, out: usize, rows: i32, columns: i32): void {
  for (let row = 0; row < rows; row++) {
    let s = scale;
    let c = columns;
    for (; c >= 4; c -= 4) {
      v128.store(out, f32x4.mul(v128.load(x), v128.load(s)));
      x += 16; s += 16; out += 16;
    }
    for (; c > 0; c--) {
      store<f32>(out, load<f32>(x) * load<f32>(s));
      x += 4; s += 4; out += 4;
    }
  }
}

/** out = x within [low, high]; not-a-number where x is. */
export function clip(x: usize, out: usize, count: i32, low: f32, high: f32): void {
  const least = f32x4.splat(low), most = f32x4.splat(high);
  let i = count;
  for (; i >= 4; i -= 4) {
    v128.store(out, f32x4.min(most, f32x4.max(least, v128.load(x))));
    x += 16; out += 16;
  }
  for (; i > 0; i--) {
    store<f32>(out, min<f32>(high, max<f32>(low, load<f32>(x))));
    x += 4; out += 4;
  }
}

/** out = dy where x is within [low, high], else 0. */
export function clipGradient(x: usize, dy: usize, out: usize, count: i32, low: f32, high: f32): void {
  const least = f32x4.splat(low), most = f32x4.splat(high);
  let i = count;
  for (; i >= 4; i -= 4) {
    const value = v128.load(x);
    v128.store(out, v128.and(v128.load(dy), v128.and(f32x4.ge(value, least), f32x4.le(value, most))));
    x += 16; dy += 16; out += 16;
  }
  for (; i > 0; i--) {
    const value = load<f32>(x);
    store<f32>(out, value >= low && value <= high ? load<f32>(dy) : 0);
    x += 4; dy += 4; out += 4;
  }
}
