import * as tf from '@tensorflow/tfjs-core';
import { addressOf, type NativeKernels, nativeOn, type WasmBackend, withScratch } from './native.js';
import type { Kernel } from './override.js';

/**
 * Rows from which ours is at least as fast as TF.js's for factors that are not transposed: below, what TF.js keeps of
 * the second factor from call to call pays, as it does when a net only predicts.
 */
const MIN_ROWS = 32;

/** `BatchMatMul`. TF.js's own multiplies transposed factors one number at a time. */
export const batchMatMul: Kernel = ({ inputs, attrs, backend }, plain) => {
  const { a, b } = inputs;
  const native = nativeOn(backend);
  const { transposeA, transposeB } = attrs as { transposeA: boolean; transposeB: boolean };
  const [m, k, n] = sizesOf(a, b, transposeA, transposeB);
  const pays = transposeA || transposeB || m >= MIN_ROWS;
  if (native === null || !pays || a.dtype !== 'float32' || b.dtype !== 'float32' || k === 0) return plain();

  const batchA = a.shape.slice(0, -2);
  const batchB = b.shape.slice(0, -2);
  const stacked = tf.backend_util.assertAndGetBroadcastShape(batchA, batchB);
  const countA = tf.util.sizeFromShape(batchA);
  const countB = tf.util.sizeFromShape(batchB);
  const count = tf.util.sizeFromShape(stacked);
  const oneOfEach = countA === count && countB === count;
  if (!oneOfEach && countA !== 1 && countB !== 1) return plain();

  const out = (backend as WasmBackend).makeOutput([...stacked, m, n], 'float32');
  const from = [addressOf(backend, a), addressOf(backend, b), addressOf(backend, out)];
  withScratch(backend, native.gemmScratch(m, n, k), (scratch) => {
    for (let i = 0; i < count; i++) {
      const atA = from[0] + (countA === 1 ? 0 : 4 * i * m * k);
      const atB = from[1] + (countB === 1 ? 0 : 4 * i * k * n);
      multiply(native, m, n, k, atA, transposeA, atB, transposeB, from[2] + 4 * i * m * n, scratch);
    }
  });
  return out;
};

/** `_FusedMatMul`, where it is one product with a bias and no activation: the last layer's, in training. */
export const fusedMatMul: Kernel = ({ inputs, attrs, backend }, plain) => {
  const { a, b, bias } = inputs;
  const native = nativeOn(backend);
  const { transposeA, transposeB, activation } = attrs as {
    transposeA: boolean;
    transposeB: boolean;
    activation: string;
  };
  const [m, k, n] = sizesOf(a, b, transposeA, transposeB);
  const single = a.shape.slice(0, -2).every((d) => d === 1) && b.shape.slice(0, -2).every((d) => d === 1);
  const fits = single && activation === 'linear' && (bias === undefined || bias.size === n);
  const pays = transposeA || transposeB || m >= MIN_ROWS;
  if (native === null || !fits || !pays || a.dtype !== 'float32' || b.dtype !== 'float32' || k === 0) return plain();

  const batch = tf.backend_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const out = (backend as WasmBackend).makeOutput([...batch, m, n], 'float32');
  const to = addressOf(backend, out);
  withScratch(backend, native.gemmScratch(m, n, k), (scratch) => {
    multiply(native, m, n, k, addressOf(backend, a), transposeA, addressOf(backend, b), transposeB, to, scratch);
  });
  if (bias !== undefined) native.addBias(to, addressOf(backend, bias), to, m, n);
  return out;
};

// --- below this line: helpers of this file alone ---

function sizesOf(a: tf.Tensor, b: tf.Tensor, transposeA: boolean, transposeB: boolean): [number, number, number] {
  const [rowsA, columnsA] = a.shape.slice(-2);
  const [rowsB, columnsB] = b.shape.slice(-2);
  return [transposeA ? columnsA : rowsA, transposeA ? rowsA : columnsA, transposeB ? rowsB : columnsB];
}

function multiply(
  native: NativeKernels,
  m: number,
  n: number,
  k: number,
  a: number,
  transposeA: boolean,
  b: number,
  transposeB: boolean,
  out: number,
  scratch: number,
): void {
  const [rowA, stepA] = transposeA ? [4, 4 * m] : [4 * k, 4];
  const [rowB, stepB] = transposeB ? [4, 4 * k] : [4 * n, 4];
  native.gemm(m, n, k, a, rowA, stepA, b, rowB, stepB, out, 4 * n, 0, scratch);
}
