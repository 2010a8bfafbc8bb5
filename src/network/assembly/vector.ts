/*
 * Arithmetic on V: four floats (`v128`) where there is SIMD, one (`f32`) without. The layers are written once, with
 * these functions.
 */

/** Floats in a V. */
// @ts-ignore: decorator
@inline
export function lanes<V>(): i32 {
  return <i32>sizeof<V>() >> 2;
}

// @ts-ignore: decorator
@inline
export function read<V>(address: usize, offset: usize = 0): V {
  if (isVector<V>()) return v128.load(address + offset);
  return load<f32>(address + offset);
}

// @ts-ignore: decorator
@inline
export function write<V>(address: usize, value: V): void {
  if (isVector<V>()) v128.store(address, value);
  else store<f32>(address, value);
}

/** The float at an address, in every lane. */
// @ts-ignore: decorator
@inline
export function splat<V>(address: usize): V {
  if (isVector<V>()) return v128.load32_splat(address);
  return load<f32>(address);
}

/** A number in every lane. */
// @ts-ignore: decorator
@inline
export function all<V>(value: f32): V {
  if (isVector<V>()) return f32x4.splat(value);
  return value;
}

// @ts-ignore: decorator
@inline
export function add<V>(a: V, b: V): V {
  if (isVector<V>()) return f32x4.add(a, b);
  return a + b;
}

// @ts-ignore: decorator
@inline
export function sub<V>(a: V, b: V): V {
  if (isVector<V>()) return f32x4.sub(a, b);
  return a - b;
}

// @ts-ignore: decorator
@inline
export function mul<V>(a: V, b: V): V {
  if (isVector<V>()) return f32x4.mul(a, b);
  return a * b;
}

/** a * b + c; one rounding in the relaxed-SIMD build (fused where the machine can), two in the others. */
// @ts-ignore: decorator
@inline
export function madd<V>(a: V, b: V, c: V): V {
  if (isVector<V>()) {
    if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
    return f32x4.add(f32x4.mul(a, b), c);
  }
  return a * b + c;
}

/** c - a * b, rounded as `madd`. */
// @ts-ignore: decorator
@inline
export function nmadd<V>(a: V, b: V, c: V): V {
  if (isVector<V>()) {
    if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_nmadd(a, b, c);
    return f32x4.sub(c, f32x4.mul(a, b));
  }
  return c - a * b;
}

/** The larger; a if either is NaN. */
// @ts-ignore: decorator
@inline
export function greater<V>(a: V, b: V): V {
  if (isVector<V>()) return f32x4.pmax(a, b);
  return a < b ? b : a;
}
