import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/** Numbers of an array, as the golden file keeps them. */
export interface Digest {
  sum: number;
  l2: number;
  at: number[];
  values: number[];
}

export interface GoldenCase {
  seed: number;
  batch: number;
  labels: number[];
  probabilities: number[][];
  loss: number;
  gradients: Record<string, Digest>;
  adam: {
    learningRate: number;
    epsilon: number;
    losses: number[];
    lossAfter: number;
    parameters: Record<string, Digest>;
  };
}

export interface GoldenNetwork {
  parameters: { name: string; shape: number[]; amplitude: number }[];
  cases: GoldenCase[];
}

export function readGolden(file: string): GoldenNetwork {
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** The golden file's noise: `count` numbers in [0, 1). */
export function noise(count: number, phase: number): Float64Array {
  const offset = Math.imul(phase, 0x9e3779b9);
  const values = new Float64Array(count);
  // A loop: Float64Array.from() with a function takes twenty times as long, and some tests draw half a million weights a case.
  for (let i = 0; i < count; i++) {
    let h = (i + offset) | 0;
    h ^= h >>> 16;
    h = Math.imul(h, 0x85ebca6b);
    h ^= h >>> 13;
    h = Math.imul(h, 0xc2b2ae35);
    h ^= h >>> 16;
    values[i] = (h >>> 0) / 2 ** 32;
  }
  return values;
}

/** The same noise as floats, from `-amplitude` to `amplitude`. */
export function signedNoise(count: number, phase: number, amplitude: number): Float32Array {
  const values = new Float32Array(count);
  const raw = noise(count, phase);
  for (let i = 0; i < count; i++) values[i] = amplitude * (2 * raw[i] - 1);
  return values;
}

/** Gives a model the golden parameters of a seed. */
export function setGoldenWeights(model: LayersModel, golden: GoldenNetwork, seed: number): void {
  const values = golden.parameters.map(({ shape, amplitude }, i) => {
    const size = shape.reduce((a, b) => a * b);
    return tf.tensor(signedNoise(size, i + 1 + 10 * seed, amplitude), shape);
  });
  model.setWeights(values);
  tf.dispose(values);
}

/** The golden input batch of a seed, [batch,32,32,1]. */
export function goldenInputs(batch: number, seed: number): tf.Tensor4D {
  return tf.tensor4d(new Float32Array(noise(batch * 1024, 100 + seed)), [batch, 32, 32, 1]);
}

/** Largest difference between values and a digest, relative to the digest's root mean square. */
export function digestError(values: ArrayLike<number>, digest: Digest): number {
  let l2 = 0;
  for (let i = 0; i < values.length; i++) l2 += values[i] ** 2;
  const scale = digest.l2 / Math.sqrt(values.length);
  const differences = digest.at.map((at, i) => Math.abs(values[at] - digest.values[i]) / Math.max(scale, 1e-12));
  return Math.max(Math.abs(Math.sqrt(l2) - digest.l2) / digest.l2, ...differences);
}
