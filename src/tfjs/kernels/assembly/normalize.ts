import { madd } from './madd';

/*
 * Batch normalization, clipping and their gradients: passes over rows of `columns` numbers.
 */

/** Number of rows per partial sum, which keeps rounding errors small. */
const ROWS_AT_ONCE: i32 = 64;

/** sums[c] = sum over rows of dy[row, c]; products[c] = sum over rows of dy[row, c] * (x[row, c] - mean[c]). */
export function sumsOfGradient(
  x: usize, dy: usize, mean: usize, sums: usize, products: usize, rows: i32, columns: i32,
): void {
  sumsWhere(x, dy, mean, 0, 0, 0, 0, sums, products, rows, columns, EVERYWHERE);
}

/** The same, with 0 in place of dy where (x - mean) * factor + offset is outside [low, high], as `mask` says. */
// @ts-ignore: decorator
@inline
function sumsWhere(
  x: usize, dy: usize, mean: usize, factor: usize, offset: usize, low: f32, high: f32, sums: usize, products: usize,
  rows: i32, columns: i32, mask: i32,
): void {
  const line: usize = 4 * <usize>columns;
  memory.fill(sums, 0, line);
  memory.fill(products, 0, line);
  const least = f32x4.splat(low), most = f32x4.splat(high);
  for (let row = 0; row < rows; row += ROWS_AT_ONCE) {
    const first = <usize>row * line;
    const count = min(ROWS_AT_ONCE, rows - row);
    let c: usize = 0;
    for (; c + 32 <= line; c += 32) {
      let p = x + first + c, g = dy + first + c;
      const m0 = v128.load(mean + c), m1 = v128.load(mean + c, 16);
      let f0 = m0, f1 = m1, o0 = m0, o1 = m1;
      if (mask != EVERYWHERE) {
        f0 = v128.load(factor + c); f1 = v128.load(factor + c, 16);
        o0 = v128.load(offset + c); o1 = v128.load(offset + c, 16);
      }
      let s0 = f32x4.splat(0), s1 = s0, t0 = s0, t1 = s0;
      for (let i = 0; i < count; i++) {
        const x0 = f32x4.sub(v128.load(p), m0), x1 = f32x4.sub(v128.load(p, 16), m1);
        let g0 = v128.load(g), g1 = v128.load(g, 16);
        if (mask != EVERYWHERE) {
          g0 = within(madd(x0, f0, o0), least, most, g0, mask);
          g1 = within(madd(x1, f1, o1), least, most, g1, mask);
        }
        s0 = f32x4.add(s0, g0); s1 = f32x4.add(s1, g1);
        t0 = f32x4.add(t0, f32x4.mul(g0, x0));
        t1 = f32x4.add(t1, f32x4.mul(g1, x1));
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
        const apart = load<f32>(p) - m;
        let value = load<f32>(g);
        if (mask != EVERYWHERE) value = withinOne(apart, factor + c, offset + c, low, high, value);
        s += value;
        t += value * apart;
        p += line; g += line;
      }
      store<f32>(sums + c, load<f32>(sums + c) + s);
      store<f32>(products + c, load<f32>(products + c) + t);
    }
  }
}

/** Where a gradient counts: everywhere, from a lower bound on, or within two bounds. */
const EVERYWHERE: i32 = 0;
const ABOVE: i32 = 1;
const WITHIN: i32 = 2;

/** `value` where y is within [least, most] or NaN, else 0. */
// @ts-ignore: decorator
@inline
function within(y: v128, least: v128, most: v128, value: v128, mask: i32): v128 {
  const below = f32x4.lt(y, least);
  return v128.andnot(value, mask == ABOVE ? below : v128.or(below, f32x4.gt(y, most)));
}

// @ts-ignore: decorator
@inline
function withinOne(apart: f32, factor: usize, offset: usize, low: f32, high: f32, value: f32): f32 {
  // In vectors, so that the product rounds as in `normalize`.
  const y = madd(f32x4.splat(apart), f32x4.splat(load<f32>(factor)), f32x4.splat(load<f32>(offset)));
  return f32x4.extract_lane(within(y, f32x4.splat(low), f32x4.splat(high), f32x4.splat(value), WITHIN), 0);
}

/**
 * y within [least, most], or NaN. Pseudo-minimum and -maximum are one instruction each; engines spend eight on the others.
 * The only difference: -0 stays -0.
 */
// @ts-ignore: decorator
@inline
function clipped(y: v128, least: v128, most: v128): v128 {
  return f32x4.pmin(f32x4.pmax(y, least), most);
}

// @ts-ignore: decorator
@inline
function addTo(to: usize, value: v128): void {
  v128.store(to, f32x4.add(v128.load(to), value));
}

/**
 * mean[c] and variance[c] (divided by the number of rows) of every column. Each block of rows is read twice while it is
 * in the cache; blocks are merged as in Chan, Golub and LeVeque, "Updating Formulae and a Pairwise Algorithm for
 * Computing Sample Variances" (1979).
 */
export function statistics(x: usize, mean: usize, variance: usize, rows: i32, columns: i32): void {
  const line: usize = 4 * <usize>columns;
  memory.fill(mean, 0, line);
  memory.fill(variance, 0, line);
  for (let row = 0; row < rows; row += ROWS_AT_ONCE) {
    const first = x + <usize>row * line;
    const count = min(ROWS_AT_ONCE, rows - row);
    const share = f32(count) / f32(row + count);
    let c: usize = 0;
    for (; c + 64 <= line; c += 64) {
      let p = first + c;
      let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
      for (let i = 0; i < count; i++) {
        s0 = f32x4.add(s0, v128.load(p)); s1 = f32x4.add(s1, v128.load(p, 16));
        s2 = f32x4.add(s2, v128.load(p, 32)); s3 = f32x4.add(s3, v128.load(p, 48));
        p += line;
      }
      const per = f32x4.splat(1 / f32(count));
      s0 = f32x4.mul(s0, per); s1 = f32x4.mul(s1, per); s2 = f32x4.mul(s2, per); s3 = f32x4.mul(s3, per);
      let t0 = f32x4.splat(0), t1 = t0, t2 = t0, t3 = t0;
      p = first + c;
      for (let i = 0; i < count; i++) {
        t0 = addSquare(t0, f32x4.sub(v128.load(p), s0)); t1 = addSquare(t1, f32x4.sub(v128.load(p, 16), s1));
        t2 = addSquare(t2, f32x4.sub(v128.load(p, 32), s2)); t3 = addSquare(t3, f32x4.sub(v128.load(p, 48), s3));
        p += line;
      }
      join(mean + c, variance + c, s0, t0, row, share);
      join(mean + c + 16, variance + c + 16, s1, t1, row, share);
      join(mean + c + 32, variance + c + 32, s2, t2, row, share);
      join(mean + c + 48, variance + c + 48, s3, t3, row, share);
    }
    for (; c + 16 <= line; c += 16) {
      let p = first + c;
      let s0 = f32x4.splat(0), s1 = s0, t0 = s0, t1 = s0;
      let i = count;
      for (; i >= 2; i -= 2) {
        s0 = f32x4.add(s0, v128.load(p)); s1 = f32x4.add(s1, v128.load(p + line));
        p += 2 * line;
      }
      if (i > 0) s0 = f32x4.add(s0, v128.load(p));
      s0 = f32x4.mul(f32x4.add(s0, s1), f32x4.splat(1 / f32(count)));
      p = first + c;
      i = count;
      for (; i >= 2; i -= 2) {
        t0 = addSquare(t0, f32x4.sub(v128.load(p), s0)); t1 = addSquare(t1, f32x4.sub(v128.load(p + line), s0));
        p += 2 * line;
      }
      if (i > 0) t0 = addSquare(t0, f32x4.sub(v128.load(p), s0));
      join(mean + c, variance + c, s0, f32x4.add(t0, t1), row, share);
    }
    for (; c < line; c += 4) {
      let p = first + c;
      let s: f32 = 0, t: f32 = 0;
      for (let i = 0; i < count; i++) {
        s += load<f32>(p);
        p += line;
      }
      s /= f32(count);
      p = first + c;
      for (let i = 0; i < count; i++) {
        const apart = load<f32>(p) - s;
        t += apart * apart;
        p += line;
      }
      const before = load<f32>(mean + c), apart = s - before;
      store<f32>(mean + c, before + apart * share);
      store<f32>(variance + c, load<f32>(variance + c) + t + apart * apart * share * f32(row));
    }
  }
  const per = <f32>1 / f32(rows);
  for (let c: usize = 0; c < line; c += 4) store<f32>(variance + c, load<f32>(variance + c) * per);
}

// @ts-ignore: decorator
@inline
function addSquare(sum: v128, x: v128): v128 {
  return madd(x, x, sum);
}

/** Merges the mean and the sum of squares of a block into those of the `rows` rows before it. */
// @ts-ignore: decorator
@inline
function join(mean: usize, squares: usize, blockMean: v128, blockSquares: v128, rows: i32, share: f32): void {
  const before = v128.load(mean);
  const apart = f32x4.sub(blockMean, before);
  v128.store(mean, f32x4.add(before, f32x4.mul(apart, f32x4.splat(share))));
  const between = f32x4.mul(f32x4.mul(apart, apart), f32x4.splat(share * f32(rows)));
  v128.store(squares, f32x4.add(v128.load(squares), f32x4.add(blockSquares, between)));
}

/** factor = scale / sqrt(variance + epsilon); `scale` is 0 for ones. */
export function factors(variance: usize, scale: usize, factor: usize, columns: i32, epsilon: f32): void {
  for (let c: usize = 0; c < 4 * <usize>columns; c += 4) {
    const perDeviation = <f32>1 / Mathf.sqrt(load<f32>(variance + c) + epsilon);
    store<f32>(factor + c, scale != 0 ? load<f32>(scale + c) * perDeviation : perDeviation);
  }
}

/**
 * out = (x - mean) * factor + offset, clipped to [low, high].
 *
 * @param offset - 0 for zeros.
 */
export function normalize(
  x: usize, mean: usize, factor: usize, offset: usize, out: usize, rows: i32, columns: i32, low: f32, high: f32,
): void {
  const line: usize = 4 * <usize>columns;
  const least = f32x4.splat(low), most = f32x4.splat(high);
  for (let row = 0; row < rows; row += ROWS_AT_ONCE) {
    const first = <usize>row * line;
    const count = min(ROWS_AT_ONCE, rows - row);
    let c: usize = 0;
    for (; c + 32 <= line; c += 32) {
      let p = x + first + c, to = out + first + c;
      const m0 = v128.load(mean + c), m1 = v128.load(mean + c, 16);
      const f0 = v128.load(factor + c), f1 = v128.load(factor + c, 16);
      let o0 = f32x4.splat(0), o1 = o0;
      if (offset != 0) {
        o0 = v128.load(offset + c);
        o1 = v128.load(offset + c, 16);
      }
      for (let i = 0; i < count; i++) {
        const y0 = madd(f32x4.sub(v128.load(p), m0), f0, o0), y1 = madd(f32x4.sub(v128.load(p, 16), m1), f1, o1);
        v128.store(to, clipped(y0, least, most));
        v128.store(to, clipped(y1, least, most), 16);
        p += line; to += line;
      }
    }
    for (; c < line; c += 4) {
      let p = x + first + c, to = out + first + c;
      const m = load<f32>(mean + c), f = v128.load32_splat(factor + c);
      const o = offset != 0 ? v128.load32_splat(offset + c) : f32x4.splat(0);
      for (let i = 0; i < count; i++) {
        const y = madd(f32x4.splat(load<f32>(p) - m), f, o);
        store<f32>(to, f32x4.extract_lane(clipped(y, least, most), 0));
        p += line; to += line;
      }
    }
  }
}

/**
 * out = (a - meanA) * factorA + offsetA + (b - meanB) * factorB + offsetB, clipped to [low, high].
 *
 * @param meanA - 0 where `a` is added as it is; the same for `meanB` and `b`.
 */
export function addNormalized(
  a: usize, meanA: usize, factorA: usize, offsetA: usize, b: usize, meanB: usize, factorB: usize, offsetB: usize,
  out: usize, rows: i32, columns: i32, low: f32, high: f32,
): void {
  const line: usize = 4 * <usize>columns;
  const least = f32x4.splat(low), most = f32x4.splat(high);
  for (let row = 0; row < rows; row += ROWS_AT_ONCE) {
    const first = <usize>row * line;
    const count = min(ROWS_AT_ONCE, rows - row);
    const wholeLine = line & ~15;
    let c: usize = 0;
    for (; c < wholeLine; c += 16) {
      addColumns(a + first + c, meanA, factorA, offsetA, b + first + c, meanB, factorB, offsetB, out + first + c, c, count, line,
        least, most, true);
    }
    for (; c < line; c += 4) {
      addColumns(a + first + c, meanA, factorA, offsetA, b + first + c, meanB, factorB, offsetB, out + first + c, c, count, line,
        least, most, false);
    }
  }
}

/** Four columns, or one if not `whole`. */
// @ts-ignore: decorator
@inline
function addColumns(
  p: usize, meanA: usize, factorA: usize, offsetA: usize, q: usize, meanB: usize, factorB: usize, offsetB: usize,
  to: usize, c: usize, count: i32, line: usize, least: v128, most: v128, whole: bool,
): void {
  let mA = f32x4.splat(0), fA = f32x4.splat(1), oA = mA, mB = mA, fB = fA, oB = mA;
  if (meanA != 0) {
    mA = vectorAt(meanA + c, whole); fA = vectorAt(factorA + c, whole); oA = vectorAt(offsetA + c, whole);
  }
  if (meanB != 0) {
    mB = vectorAt(meanB + c, whole); fB = vectorAt(factorB + c, whole); oB = vectorAt(offsetB + c, whole);
  }
  for (let i = count; i > 0; i--) {
    const yA = madd(f32x4.sub(vectorAt(p, whole), mA), fA, oA), yB = madd(f32x4.sub(vectorAt(q, whole), mB), fB, oB);
    const y = clipped(f32x4.add(yA, yB), least, most);
    if (whole) v128.store(to, y);
    else store<f32>(to, f32x4.extract_lane(y, 0));
    p += line; q += line; to += line;
  }
}

/** Four floats, or one of them four times at the end of a row. */
// @ts-ignore: decorator
@inline
function vectorAt(address: usize, whole: bool): v128 {
  return whole ? v128.load(address) : v128.load32_splat(address);
}

/**
 * Gradients of a normalization by the batch's own statistics:
 *
 *     dx = factor * (dy - sum(dy) / rows) - (x - mean) * factor * sum(dy (x - mean)) / (rows * (variance + epsilon))
 *          + dMean / rows + (x - mean) * 2 dVariance / rows
 *
 * where dy counts as 0 if the normalized x is outside [low, high].
 *
 * @param offset - 0 if dy counts everywhere.
 * @param dMean - Gradient of the output mean; `dVariance` that of the output variance.
 * @param dScale - Receives sum(dy (x - mean)) / sqrt(variance + epsilon); `dOffset` sum(dy).
 * @param scratch - Scratch memory for three vectors of `columns` numbers.
 */
export function batchNormGradient(
  x: usize, dy: usize, mean: usize, variance: usize, scale: usize, dMean: usize, dVariance: usize,
  dx: usize, dScale: usize, dOffset: usize, rows: i32, columns: i32, epsilon: f32,
  offset: usize, low: f32, high: f32, scratch: usize,
): void {
  const line: usize = 4 * <usize>columns;
  const factor = scratch, slopes = factor + line, shifts = slopes + line;
  factors(variance, scale, factor, columns, epsilon);
  const above = offset != 0 && high == Infinity;
  if (above) sumsWhere(x, dy, mean, factor, offset, low, high, dOffset, dScale, rows, columns, ABOVE);
  else if (offset != 0) sumsWhere(x, dy, mean, factor, offset, low, high, dOffset, dScale, rows, columns, WITHIN);
  else sumsOfGradient(x, dy, mean, dOffset, dScale, rows, columns);
  const per = <f32>1 / f32(rows);
  for (let c: usize = 0; c < line; c += 4) {
    const perDeviation = <f32>1 / Mathf.sqrt(load<f32>(variance + c) + epsilon);
    const toScale = load<f32>(dScale + c) * perDeviation;
    store<f32>(dScale + c, toScale);
    store<f32>(slopes + c, per * (<f32>2 * load<f32>(dVariance + c) - load<f32>(factor + c) * perDeviation * toScale));
    store<f32>(shifts + c, per * (load<f32>(dMean + c) - load<f32>(factor + c) * load<f32>(dOffset + c)));
  }
  if (above) gradientWhere(x, dy, mean, factor, offset, low, high, slopes, shifts, dx, rows, columns, ABOVE);
  else if (offset != 0) gradientWhere(x, dy, mean, factor, offset, low, high, slopes, shifts, dx, rows, columns, WITHIN);
  else gradientWhere(x, dy, mean, factor, 0, 0, 0, slopes, shifts, dx, rows, columns, EVERYWHERE);
}

// @ts-ignore: decorator
@inline
function gradientWhere(
  x: usize, dy: usize, mean: usize, factor: usize, offset: usize, low: f32, high: f32, slopes: usize, shifts: usize,
  dx: usize, rows: i32, columns: i32, mask: i32,
): void {
  const line: usize = 4 * <usize>columns;
  const least = f32x4.splat(low), most = f32x4.splat(high);
  for (let row = 0; row < rows; row += ROWS_AT_ONCE) {
    const first = <usize>row * line;
    const count = min(ROWS_AT_ONCE, rows - row);
    let c: usize = 0;
    for (; c + 32 <= line; c += 32) {
      let p = x + first + c, g = dy + first + c, to = dx + first + c;
      const m0 = v128.load(mean + c), f0 = v128.load(factor + c), s0 = v128.load(slopes + c), t0 = v128.load(shifts + c);
      const m1 = v128.load(mean + c, 16), f1 = v128.load(factor + c, 16), s1 = v128.load(slopes + c, 16);
      const t1 = v128.load(shifts + c, 16);
      const o0 = mask != EVERYWHERE ? v128.load(offset + c) : m0, o1 = mask != EVERYWHERE ? v128.load(offset + c, 16) : m1;
      for (let i = count; i > 0; i--) {
        const x0 = f32x4.sub(v128.load(p), m0), x1 = f32x4.sub(v128.load(p, 16), m1);
        let g0 = v128.load(g), g1 = v128.load(g, 16);
        if (mask != EVERYWHERE) {
          g0 = within(madd(x0, f0, o0), least, most, g0, mask);
          g1 = within(madd(x1, f1, o1), least, most, g1, mask);
        }
        v128.store(to, madd(g0, f0, madd(x0, s0, t0)));
        v128.store(to, madd(g1, f1, madd(x1, s1, t1)), 16);
        p += line; g += line; to += line;
      }
    }
    for (; c < line; c += 4) {
      let p = x + first + c, g = dy + first + c, to = dx + first + c;
      const m = load<f32>(mean + c), f = load<f32>(factor + c), s = load<f32>(slopes + c), t = load<f32>(shifts + c);
      for (let i = 0; i < count; i++) {
        const apart = load<f32>(p) - m;
        let value = load<f32>(g);
        if (mask != EVERYWHERE) value = withinOne(apart, factor + c, offset + c, low, high, value);
        store<f32>(to, value * f + apart * s + t);
        p += line; g += line; to += line;
      }
    }
  }
}

/** out = average - (average - value) * decay, rounded as in TF.js's layer. */
export function moveAverage(average: usize, value: usize, out: usize, count: i32, decay: f32): void {
  for (let i = count; i > 0; i--) {
    const old = load<f32>(average);
    store<f32>(out, old - (old - load<f32>(value)) * decay);
    average += 4; value += 4; out += 4;
  }
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

/** out = x clipped to [low, high]; NaN where x is NaN. */
export function clip(x: usize, out: usize, count: i32, low: f32, high: f32): void {
  const least = f32x4.splat(low), most = f32x4.splat(high);
  let i = count;
  for (; i >= 4; i -= 4) {
    v128.store(out, clipped(v128.load(x), least, most));
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
