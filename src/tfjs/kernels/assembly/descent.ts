import { madd } from './madd';

/*
 * Steps of gradient descent other than Adam, each in one pass: the optimizer's state changes in place, the weights are
 * written to `out`. The formulas are those of TF.js's optimizers.
 */

/** out = weight - rate * gradient. */
export function descend(weight: usize, gradient: usize, out: usize, count: i32, rate: f32): void {
  const by = f32x4.splat(-rate);
  let i = count;
  for (; i >= 4; i -= 4) {
    v128.store(out, madd(by, v128.load(gradient), v128.load(weight)));
    weight += 16; gradient += 16; out += 16;
  }
  for (; i > 0; i--) {
    store<f32>(out, load<f32>(weight) - rate * load<f32>(gradient));
    weight += 4; gradient += 4; out += 4;
  }
}

/**
 * speed = momentum * speed + gradient; out = weight - rate * speed.
 *
 * @param ahead - 1 for Nesterov momentum: out = weight - rate * (gradient + momentum * speed).
 */
export function descendWithMomentum(
  weight: usize, gradient: usize, speed: usize, out: usize, count: i32, rate: f32, momentum: f32, ahead: i32,
): void {
  const by = f32x4.splat(-rate), kept = f32x4.splat(momentum);
  let i = count;
  for (; i >= 4; i -= 4) {
    const g = v128.load(gradient);
    const s = madd(kept, v128.load(speed), g);
    v128.store(speed, s);
    v128.store(out, madd(by, ahead ? madd(kept, s, g) : s, v128.load(weight)));
    weight += 16; gradient += 16; speed += 16; out += 16;
  }
  for (; i > 0; i--) {
    const g = load<f32>(gradient);
    const s = momentum * load<f32>(speed) + g;
    store<f32>(speed, s);
    store<f32>(out, load<f32>(weight) - rate * (ahead ? g + momentum * s : s));
    weight += 4; gradient += 4; speed += 4; out += 4;
  }
}

/**
 * RMSProp (Hinton and Tieleman, 2012) with momentum:
 *
 *     square = decay * square + (1 - decay) * gradient^2
 *     speed = momentum * speed + rate * gradient / sqrt(square + epsilon);  out = weight - speed
 *
 * @param mean - 0, or the running mean of the gradients; then the root is sqrt(square - (mean^2 + epsilon)).
 */
export function rmsProp(
  weight: usize, gradient: usize, square: usize, speed: usize, mean: usize, out: usize, count: i32,
  rate: f32, decay: f32, momentum: f32, epsilon: f32,
): void {
  const old = f32x4.splat(decay), fresh = f32x4.splat(1 - decay), kept = f32x4.splat(momentum);
  const by = f32x4.splat(rate), least = f32x4.splat(epsilon);
  let i = count;
  for (; i >= 4; i -= 4) {
    const g = v128.load(gradient);
    const v = madd(old, v128.load(square), f32x4.mul(f32x4.mul(g, g), fresh));
    v128.store(square, v);
    let under = f32x4.add(v, least);
    if (mean != 0) {
      const m = madd(old, v128.load(mean), f32x4.mul(g, fresh));
      v128.store(mean, m);
      under = f32x4.sub(v, madd(m, m, least));
      mean += 16;
    }
    const s = madd(kept, v128.load(speed), f32x4.div(f32x4.mul(g, by), f32x4.sqrt(under)));
    v128.store(speed, s);
    v128.store(out, f32x4.sub(v128.load(weight), s));
    weight += 16; gradient += 16; square += 16; speed += 16; out += 16;
  }
  for (; i > 0; i--) {
    const g = load<f32>(gradient);
    const v = decay * load<f32>(square) + (1 - decay) * (g * g);
    store<f32>(square, v);
    let under = v + epsilon;
    if (mean != 0) {
      const m = decay * load<f32>(mean) + (1 - decay) * g;
      store<f32>(mean, m);
      under = v - (m * m + epsilon);
      mean += 4;
    }
    const s = momentum * load<f32>(speed) + (rate * g) / Mathf.sqrt(under);
    store<f32>(speed, s);
    store<f32>(out, load<f32>(weight) - s);
    weight += 4; gradient += 4; square += 4; speed += 4; out += 4;
  }
}
