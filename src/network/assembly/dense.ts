import { COUNTS, DENSE1, DENSE1_BIAS, DENSE1_CODES, DENSE2, DENSE2_BIAS, FEATURES, HIDDEN, LISTS, OUTPUTS, STAGE } from './layout';
import { add, all, greater, madd, read, splat, write } from './vector';

/** FEATURES to the list of a face: the features above 0 after ReLU, each with the offset of its row of weights. Zeros are skipped. */
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

/*
 * DENSE1's weights as 8-bit codes: a stored code q means q * scale + least. DENSE1_CODES holds q - shift, because most weights are small,
 * and large codes that cancel would lose digits in sums.
 */
let scale: f64 = 0;
let least: f64 = 0;
let shift: i32 = 0;
/** Whether DENSE1_CODES has weights that are not in DENSE1 yet: a single face does not need the floats. */
let ahead: bool = false;
/** Whether all codes fit into 8 bits with a sign, so that sums can be computed from them. */
let fits: bool = false;

/** Declares the grid of the codes that follow; a step of 0 if floats follow. */
export function setGrid(step: f64, lowest: f64): void {
  scale = step;
  least = lowest;
  // Beyond 1000 no code fits, whatever the shift.
  shift = step > 0 ? <i32>min(max(floor(0.5 - lowest / step), -1000), 1000) : 0;
  fits = step > 0;
  ahead = false;
}

/** Whether the weights are available as codes. */
export function hasCodes(): bool {
  return fits;
}

/**
 * Like `dense1` for one face, from the codes: a quarter of the bytes, and reading them dominates the time of a single face. The
 * scale is applied to the sums.
 */
export function dense1Coded(): void {
  const end: usize = LISTS + load<usize>(COUNTS);
  const shifted = f32x4.splat(sumOfFeatures() * <f32>(least + <f64>shift * scale));
  const step = f32x4.splat(<f32>scale);
  let codes: usize = DENSE1_CODES;
  for (let o: usize = 0; o < 1024; o += 128) {
    const zero = f32x4.splat(0);
    let c0 = zero, c1 = zero, c2 = zero, c3 = zero, c4 = zero, c5 = zero, c6 = zero, c7 = zero;
    for (let at: usize = LISTS; at < end; at += 8) {
      // The list has offsets of floats.
      const w = codes + (load<usize>(at) >> 2);
      const x = v128.load32_splat(at + 4);
      const a = v128.load_ext<i8>(w), b = v128.load_ext<i8>(w, 8);
      const c = v128.load_ext<i8>(w, 16), d = v128.load_ext<i8>(w, 24);
      c0 = madd<v128>(x, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(a)), c0);
      c1 = madd<v128>(x, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(a)), c1);
      c2 = madd<v128>(x, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(b)), c2);
      c3 = madd<v128>(x, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(b)), c3);
      c4 = madd<v128>(x, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(c)), c4);
      c5 = madd<v128>(x, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(c)), c5);
      c6 = madd<v128>(x, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(d)), c6);
      c7 = madd<v128>(x, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(d)), c7);
    }
    const to: usize = HIDDEN + o;
    const bias: usize = DENSE1_BIAS + o;
    finish(to, bias, c0, step, shifted);
    finish(to + 16, bias + 16, c1, step, shifted);
    finish(to + 32, bias + 32, c2, step, shifted);
    finish(to + 48, bias + 48, c3, step, shifted);
    finish(to + 64, bias + 64, c4, step, shifted);
    finish(to + 80, bias + 80, c5, step, shifted);
    finish(to + 96, bias + 96, c6, step, shifted);
    finish(to + 112, bias + 112, c7, step, shifted);
    codes += 2048 * 32;
  }
}

function sumOfFeatures(): f32 {
  let a = f32x4.splat(0), b = a, c = a, d = a;
  for (let at: usize = FEATURES; at < FEATURES + 2048 * 4; at += 64) {
    a = f32x4.add(a, v128.load(at));
    b = f32x4.add(b, v128.load(at, 16));
    c = f32x4.add(c, v128.load(at, 32));
    d = f32x4.add(d, v128.load(at, 48));
  }
  a = f32x4.add(f32x4.add(a, b), f32x4.add(c, d));
  return f32x4.extract_lane(a, 0) + f32x4.extract_lane(a, 1) + (f32x4.extract_lane(a, 2) + f32x4.extract_lane(a, 3));
}

// @ts-ignore: decorator
@inline
function finish(to: usize, bias: usize, sum: v128, step: v128, shift: v128): void {
  v128.store(to, greater<v128>(madd<v128>(sum, step, f32x4.add(v128.load(bias), shift)), f32x4.splat(0)));
}

/** STAGE, `rows` rows of codes from `first`, to their places in DENSE1_CODES. */
export function packCodes<V>(first: usize, rows: usize): void {
  const wide: usize = 2 * sizeof<V>();
  const lowest = max(min(shift - 128, 255), 0), highest = max(min(shift + 127, 255), 0);
  let outside: i32 = i32(shift < -127 || shift > 383);
  let from: usize = STAGE;
  for (let k: usize = first; k < first + rows; k++) {
    for (let to: usize = DENSE1_CODES + k * wide; to < DENSE1_CODES + 2048 * 256; to += 2048 * wide) {
      if (isVector<V>()) {
        const low = i8x16.splat(<i8>lowest), high = i8x16.splat(<i8>highest), less = i8x16.splat(<i8>shift);
        const a = v128.load(from), b = v128.load(from, 16);
        v128.store(to, i8x16.sub(a, less));
        v128.store(to, i8x16.sub(b, less), 16);
        const within = i8x16.max_u(i8x16.min_u(a, high), low), within2 = i8x16.max_u(i8x16.min_u(b, high), low);
        outside |= i32(v128.any_true(v128.or(v128.xor(a, within), v128.xor(b, within2))));
      } else {
        for (let c: usize = 0; c < wide; c++) store<u8>(to + c, <u8>(<i32>load<u8>(from + c) - shift));
      }
      from += wide;
    }
  }
  if (outside) fits = false;
  ahead = true;
}

/** DENSE1_CODES to DENSE1, rounded as in JavaScript; once, when floats are needed. */
export function widenCodes(): void {
  if (!ahead) return;
  ahead = false;
  let to: usize = DENSE1;
  for (let from: usize = DENSE1_CODES; from < DENSE1_CODES + 2048 * 256; from += 16) {
    if (ASC_FEATURE_SIMD) {
      const stored = i8x16.add(v128.load(from), i8x16.splat(<i8>shift));
      const low = i16x8.extend_low_i8x16_u(stored), high = i16x8.extend_high_i8x16_u(stored);
      v128.store(to, meant(i32x4.extend_low_i16x8_u(low)));
      v128.store(to, meant(i32x4.extend_high_i16x8_u(low)), 16);
      v128.store(to, meant(i32x4.extend_low_i16x8_u(high)), 32);
      v128.store(to, meant(i32x4.extend_high_i16x8_u(high)), 48);
    } else {
      for (let c: usize = 0; c < 16; c++) {
        store<f32>(to + (c << 2), <f32>(<f64>((<i32>load<u8>(from + c) + shift) & 255) * scale + least));
      }
    }
    to += 64;
  }
}

/** The values of four stored codes. */
// @ts-ignore: decorator
@inline
function meant(stored: v128): v128 {
  const low = f64x2.convert_low_i32x4_u(stored);
  const high = f64x2.convert_low_i32x4_u(v128.shuffle<i64>(stored, stored, 1, 1));
  return v128.shuffle<i64>(
    f32x4.demote_f64x2_zero(f64x2.add(f64x2.mul(low, f64x2.splat(scale)), f64x2.splat(least))),
    f32x4.demote_f64x2_zero(f64x2.add(f64x2.mul(high, f64x2.splat(scale)), f64x2.splat(least))),
    0, 2,
  );
}

/** STAGE, `rows` rows from `first` of [2048,256], to their places in DENSE1. */
export function packDense1<V>(first: usize, rows: usize): void {
  const step: usize = sizeof<V>();
  const row: usize = 8 * step;
  let from: usize = STAGE;
  for (let k: usize = first; k < first + rows; k++) {
    // Not with memory.copy: for so few bytes it costs more than eight vector moves.
    for (let to: usize = DENSE1 + k * row; to < DENSE1 + 2048 * 1024; to += 2048 * row) {
      write<V>(to, read<V>(from));
      write<V>(to + step, read<V>(from, step));
      write<V>(to + 2 * step, read<V>(from, 2 * step));
      write<V>(to + 3 * step, read<V>(from, 3 * step));
      write<V>(to + 4 * step, read<V>(from, 4 * step));
      write<V>(to + 5 * step, read<V>(from, 5 * step));
      write<V>(to + 6 * step, read<V>(from, 6 * step));
      write<V>(to + 7 * step, read<V>(from, 7 * step));
      from += row;
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
