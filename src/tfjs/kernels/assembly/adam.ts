import { madd } from './madd';

/*
 * Adam (Kingma and Ba, 2015), with decoupled weight decay (Loshchilov and Hutter, 2019). `meanScale` is
 * 1 / (1 - beta1^t), `squareScale` 1 / (1 - beta2^t), `decay` 1 - learningRate * weightDecay.
 */

/** One step: updates the means in place, and writes the weights to `out`. */
export function adam(
  weight: usize, gradient: usize, mean: usize, square: usize, out: usize, count: i32,
  learningRate: f32, beta1: f32, beta2: f32, epsilon: f32, meanScale: f32, squareScale: f32, decay: f32,
): void {
  const rate = learningRate * meanScale;
  let i = count;
  for (; i >= 4; i -= 4) {
    const g = v128.load(gradient);
    v128.store(out, moved(v128.load(weight), g, mean, square, rate, beta1, beta2, epsilon, squareScale, decay));
    weight += 16; gradient += 16; mean += 16; square += 16; out += 16;
  }
  for (; i > 0; i--) {
    const g = load<f32>(gradient);
    const m = beta1 * load<f32>(mean) + (1 - beta1) * g;
    const v = beta2 * load<f32>(square) + (1 - beta2) * g * g;
    store<f32>(mean, m);
    store<f32>(square, v);
    store<f32>(out, load<f32>(weight) * decay - (rate * m) / (Mathf.sqrt(v * squareScale) + epsilon));
    weight += 4; gradient += 4; mean += 4; square += 4; out += 4;
  }
}

/**
 * One step on a slice of the weights, all in place, with the gradients of several threads, each times its portion of the
 * batch, added in order.
 *
 * @param gradients - The first thread's gradients; each next thread's are `stride` bytes further.
 * @param portions - One float per thread.
 * @param average - Moving average of the weights, or 0 for none: average * averageDecay + weight * (1 - averageDecay).
 * @param count - A multiple of 4.
 */
export function adamOfMany(
  weight: usize, gradients: usize, stride: usize, portions: usize, threads: i32,
  mean: usize, square: usize, average: usize, count: i32,
  learningRate: f32, beta1: f32, beta2: f32, epsilon: f32, meanScale: f32, squareScale: f32, decay: f32,
  averageDecay: f32,
): void {
  const rate = learningRate * meanScale;
  const old = f32x4.splat(averageDecay), fresh = f32x4.splat(1 - averageDecay);
  for (let i = count; i > 0; i -= 4) {
    let from = gradients;
    let g = f32x4.mul(v128.load(from), v128.load32_splat(portions));
    for (let t = 1; t < threads; t++) {
      from += stride;
      g = f32x4.add(g, f32x4.mul(v128.load(from), v128.load32_splat(portions + 4 * t)));
    }
    const w = moved(v128.load(weight), g, mean, square, rate, beta1, beta2, epsilon, squareScale, decay);
    v128.store(weight, w);
    if (average != 0) {
      v128.store(average, f32x4.add(f32x4.mul(v128.load(average), old), f32x4.mul(w, fresh)));
      average += 16;
    }
    weight += 16; gradients += 16; mean += 16; square += 16;
  }
}

/** Four weights after the step; the means are updated in place. */
// @ts-ignore: decorator
@inline
function moved(
  weight: v128, g: v128, mean: usize, square: usize,
  rate: f32, beta1: f32, beta2: f32, epsilon: f32, squareScale: f32, decay: f32,
): v128 {
  const m = madd(f32x4.splat(beta1), v128.load(mean), f32x4.mul(f32x4.splat(1 - beta1), g));
  const v = madd(f32x4.splat(beta2), v128.load(square), f32x4.mul(f32x4.splat(1 - beta2), f32x4.mul(g, g)));
  v128.store(mean, m);
  v128.store(square, v);
  const root = f32x4.sqrt(f32x4.mul(v, f32x4.splat(squareScale)));
  const change = f32x4.div(f32x4.mul(f32x4.splat(rate), m), f32x4.add(root, f32x4.splat(epsilon)));
  return f32x4.sub(f32x4.mul(weight, f32x4.splat(decay)), change);
}
