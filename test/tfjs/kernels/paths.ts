import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import '@tensorflow/tfjs-layers';
import * as tf from '@tensorflow/tfjs-core';
import { type KernelPath, registerTrainingKernels } from '../../../src/kernels.js';

const RELAXED_PROBE = new Uint8Array([
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0],
  ...[10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 11],
]);

/** The paths of the training kernels that this Node runs (relaxed SIMD: from Node 22 on). */
export const PATHS: KernelPath[] = ['composed', 'simd'];
if (WebAssembly.validate(RELAXED_PROBE)) PATHS.push('relaxed-simd');

/** Starts the wasm backend with its training kernels on `wanted`, and fails if they are on another path. */
export async function startOn(wanted: KernelPath): Promise<void> {
  await tf.setBackend('wasm');
  const { path, reason } = await registerTrainingKernels({ path: wanted });
  if (path !== wanted) throw new Error(`kernels on ${path} instead of ${wanted}: ${reason}; npm run build:kernels?`);
}

/** What `work` gives on one backend, as plain numbers; all its tensors are disposed of. */
export async function on(backend: 'cpu' | 'wasm', work: () => tf.Tensor[]): Promise<Values[]> {
  await tf.setBackend(backend);
  return tf.tidy(() => work().map((tensor) => ({ shape: tensor.shape, values: tensor.dataSync() })));
}

export interface Values {
  shape: number[];
  values: ArrayLike<number>;
}

/** Pseudo-random numbers in [-1, 1): the finalizer of MurmurHash3 over the position and a phase. */
export function noise(shape: number[], phase: number): tf.Tensor {
  const values = new Float32Array(tf.util.sizeFromShape(shape));
  for (let i = 0; i < values.length; i++) values[i] = 2 * noiseAt(i, phase) - 1;
  return tf.tensor(values, shape);
}

/** In [0, 1), as the golden files define it. */
export function noiseAt(i: number, phase: number): number {
  let h = (i + Math.imul(phase, 0x9e3779b9)) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  h ^= h >>> 16;
  return (h >>> 0) / 2 ** 32;
}

/** Largest difference, relative to the largest expected magnitude; infinite where shapes differ or a NaN stands alone. */
export function differenceOf(actual: Values, expected: Values): number {
  if (actual.shape.join() !== expected.shape.join()) return Number.POSITIVE_INFINITY;
  let largest = 0;
  let difference = 0;
  for (let i = 0; i < expected.values.length; i++) {
    const [a, e] = [actual.values[i], expected.values[i]];
    if (Object.is(a, e) || a === e) continue;
    if (!Number.isFinite(a) || !Number.isFinite(e)) return Number.POSITIVE_INFINITY;
    largest = Math.max(largest, Math.abs(e));
    difference = Math.max(difference, Math.abs(a - e));
  }
  if (difference === 0) return 0;
  for (let i = 0; i < expected.values.length; i++) largest = Math.max(largest, Math.abs(expected.values[i]) || 0);
  return difference / largest;
}
