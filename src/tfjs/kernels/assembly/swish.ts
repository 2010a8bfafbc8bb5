import { madd } from './madd';

/*
 * Swish, x * sigmoid(x), also called SiLU, and its gradient. The exponential is that of the Cephes library: a power of two
 * times a polynomial of the rest, relative error 1e-7.
 */

// @ts-ignore: decorator
@inline
function exponential(x: v128): v128 {
  const bounded = f32x4.pmin(f32x4.pmax(x, f32x4.splat(-87)), f32x4.splat(88));
  const power = f32x4.nearest(f32x4.mul(bounded, f32x4.splat(1.44269504)));
  const rest = madd(power, f32x4.splat(2.12194440e-4), madd(power, f32x4.splat(-0.693359375), bounded));
  let sum = madd(f32x4.splat(1.9875691500e-4), rest, f32x4.splat(1.3981999507e-3));
  sum = madd(sum, rest, f32x4.splat(8.3334519073e-3));
  sum = madd(sum, rest, f32x4.splat(4.1665795894e-2));
  sum = madd(sum, rest, f32x4.splat(1.6666665459e-1));
  sum = madd(sum, rest, f32x4.splat(5.0000001201e-1));
  sum = f32x4.add(madd(sum, f32x4.mul(rest, rest), rest), f32x4.splat(1));
  const exponent = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(power), i32x4.splat(127)), 23);
  return f32x4.mul(sum, exponent);
}

// @ts-ignore: decorator
@inline
function sigmoid(x: v128): v128 {
  const one = f32x4.splat(1);
  return f32x4.div(one, f32x4.add(one, exponential(f32x4.neg(x))));
}

/** out = x * sigmoid(x). */
export function swish(x: usize, out: usize, count: i32): void {
  let i = count;
  for (; i >= 4; i -= 4) {
    const value = v128.load(x);
    v128.store(out, f32x4.mul(value, sigmoid(value)));
    x += 16; out += 16;
  }
  for (; i > 0; i--) {
    const value = v128.load32_splat(x);
    store<f32>(out, f32x4.extract_lane(f32x4.mul(value, sigmoid(value)), 0));
    x += 4; out += 4;
  }
}

// @ts-ignore: decorator
@inline
function slope(x: v128): v128 {
  const one = f32x4.splat(1), share = sigmoid(x);
  return f32x4.mul(share, madd(x, f32x4.sub(one, share), one));
}

/** out = dy * the slope of swish at x. */
export function swishGradient(x: usize, dy: usize, out: usize, count: i32): void {
  let i = count;
  for (; i >= 4; i -= 4) {
    v128.store(out, f32x4.mul(v128.load(dy), slope(v128.load(x))));
    x += 16; dy += 16; out += 16;
  }
  for (; i > 0; i--) {
    store<f32>(out, load<f32>(dy) * f32x4.extract_lane(slope(v128.load32_splat(x)), 0));
    x += 4; dy += 4; out += 4;
  }
}
