import * as tf from '@tensorflow/tfjs-core';
import { asFloats } from './checks.js';
import { addressOf, nativeOn, type WasmBackend } from './native.js';
import type { Kernel } from './override.js';

/**
 * Dropout (Srivastava et al., 2014) whose mask is a hash of the seed and the position: the same on every backend and
 * machine, and computed again for the gradient instead of stored. A value is kept if
 * `hash(position + seed * 0x9E3779B9) >= rate * 2^32`, where hash is the finalizer of MurmurHash3. Kept values are divided
 * by `1 - rate`.
 *
 * @param x - Any shape, float32.
 * @param rate - Share of values to drop, in [0, 1).
 * @param seed - A 32-bit integer, different for every layer and step.
 * @returns The shape of `x`.
 * @example
 * const y = dropout(x, 0.2, step * layers + layer);
 */
export function dropout<T extends tf.Tensor>(x: T, rate: number, seed: number): T {
  if (rate === 0) return tf.clone(x);
  const masked = tf.customGrad((input) => ({
    value: mask(input as tf.Tensor, rate, seed),
    gradFunc: (dy: tf.Tensor) => mask(dy, rate, seed),
  }));
  return masked(x) as T;
}

/** `FerDropout`, a kernel of our own. */
export const dropoutKernel: Kernel = ({ inputs, attrs, backend }) => {
  const x = asFloats(inputs.x);
  const { rate, seed } = attrs as { rate: number; seed: number };
  const native = nativeOn(backend);
  if (native === null) return maskInJavaScript(x, rate, seed);
  const out = (backend as WasmBackend).makeOutput(x.shape, 'float32');
  native.dropout(
    addressOf(backend, x),
    addressOf(backend, out),
    x.size,
    seed | 0,
    thresholdOf(rate) | 0,
    1 / (1 - rate),
  );
  return out;
};

function mask(x: tf.Tensor, rate: number, seed: number): tf.Tensor {
  if (tf.getKernel('FerDropout', tf.getBackend()) === undefined) return maskInJavaScript(x, rate, seed);
  return tf.engine().runKernel('FerDropout', { x }, { rate, seed }) as tf.Tensor;
}

function thresholdOf(rate: number): number {
  return Math.floor(rate * 2 ** 32);
}

function maskInJavaScript(x: tf.Tensor, rate: number, seed: number): tf.Tensor {
  const threshold = thresholdOf(rate);
  const scale = 1 / (1 - rate);
  const start = Math.imul(seed, 0x9e3779b9);
  const factors = new Float32Array(x.size);
  for (let i = 0; i < factors.length; i++) {
    let h = (start + i) | 0;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    h ^= h >>> 16;
    if (h >>> 0 >= threshold) factors[i] = scale;
  }
  return tf.tidy(() => tf.mul(x, tf.tensor(factors, x.shape)));
}
