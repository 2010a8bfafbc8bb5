/*
 * 'localContrast' of src/image/normalize.ts for one channel, in vectors of two doubles: the same sums in the same order,
 * so the same bits.
 */

const RADIUS: i32 = 12;
const TAPS: i32 = 2 * RADIUS + 1;

/**
 * Normalizes float levels [height, width] in place.
 *
 * @param across - Weights of the Gaussian, [width, TAPS]; `down` [height, TAPS].
 * @param scratch - Four planes of doubles.
 */
export function localContrast(
  levels: usize, width: i32, height: i32, across: usize, down: usize, scratch: usize,
): void {
  const count = width * height;
  const size: usize = 8 * <usize>count;
  const plane = scratch, other = plane + size, turned = other + size, blurred = turned + size;

  const origin = <f64>load<f32>(levels);
  for (let k: usize = 0; k < size; k += 8) store<f64>(plane + k, (<f64>load<f32>(levels + (k >> 1)) - origin) / 255);
  blur(plane, width, height, across, down, turned, blurred, other);
  for (let k: usize = 0; k < size; k += 8) {
    const rest = load<f64>(plane + k) - load<f64>(other + k);
    store<f64>(plane + k, rest);
    store<f64>(other + k, rest * rest);
  }
  blur(other, width, height, across, down, turned, blurred, other);
  let sum: f64 = 0;
  for (let k: usize = 0; k < size; k += 8) {
    const deviation = sqrt(load<f64>(other + k));
    store<f64>(other + k, deviation);
    sum += deviation;
  }
  const floor = max(sum / <f64>count / 2, 1e-4);
  for (let k: usize = 0; k < size; k += 8) {
    store<f32>(levels + (k >> 1), <f32>(load<f64>(plane + k) / max(load<f64>(other + k), floor)));
  }
}

/** `to` may be `plane`. */
function blur(
  plane: usize, width: i32, height: i32, across: usize, down: usize, turned: usize, blurred: usize, to: usize,
): void {
  transpose(plane, width, height, turned);
  blurLines(turned, width, height, across, blurred);
  transpose(blurred, height, width, turned);
  blurLines(turned, height, width, down, to);
}

/** [height, width] to [width, height]. */
function transpose(plane: usize, width: i32, height: i32, to: usize): void {
  for (let x = 0; x < width; x++) {
    let from = plane + 8 * <usize>x;
    for (let y = 0; y < height; y++) {
      store<f64>(to, load<f64>(from));
      from += 8 * <usize>width; to += 8;
    }
  }
}

/** Replaces every line by the weighted sum of its neighbours; [lines, length]. */
function blurLines(plane: usize, lines: i32, length: i32, weights: usize, to: usize): void {
  const line = 8 * <usize>length;
  for (let i = 0; i < lines; i++) {
    const from = max(i - RADIUS, 0), end = min(i + RADIUS + 1, lines);
    const first = weights + 8 * <usize>(i * TAPS + from - i + RADIUS);
    let y = 0;
    for (; y + 8 <= length; y += 8) {
      let w = first, at = plane + <usize>from * line + 8 * <usize>y;
      let a = f64x2.splat(0), b = a, c = a, d = a;
      for (let k = from; k < end; k++) {
        const weight = v128.load64_splat(w);
        a = f64x2.add(a, f64x2.mul(weight, v128.load(at)));
        b = f64x2.add(b, f64x2.mul(weight, v128.load(at, 16)));
        c = f64x2.add(c, f64x2.mul(weight, v128.load(at, 32)));
        d = f64x2.add(d, f64x2.mul(weight, v128.load(at, 48)));
        w += 8; at += line;
      }
      v128.store(to, a);
      v128.store(to, b, 16);
      v128.store(to, c, 32);
      v128.store(to, d, 48);
      to += 64;
    }
    for (; y < length; y++) {
      let w = first, at = plane + <usize>from * line + 8 * <usize>y;
      let sum: f64 = 0;
      for (let k = from; k < end; k++) {
        sum += load<f64>(w) * load<f64>(at);
        w += 8; at += line;
      }
      store<f64>(to, sum);
      to += 8;
    }
  }
}
