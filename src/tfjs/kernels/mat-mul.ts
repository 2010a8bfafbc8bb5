import * as tf from '@tensorflow/tfjs-core';
import { activate, type FusedActivation } from './activation.js';
import { checkFit } from './checks.js';
import { addressOf, type NativeKernels, nativeOn, valuesOf, type WasmBackend, withScratch } from './native.js';
import type { Kernel } from './override.js';

/**
 * Number of rows from which our kernel is at least as fast as TF.js's, without transposed factors. Below it, TF.js is faster in
 * prediction, because it caches the packed second factor. In training that factor is new in every step.
 */
const MIN_ROWS = 32;

/** `BatchMatMul`. TF.js's own multiplies transposed factors one number at a time, and does not support integers. */
export const batchMatMul: Kernel = ({ inputs, attrs, backend }, plain) => {
  const { a, b } = inputs;
  const { transposeA, transposeB } = attrs as { transposeA: boolean; transposeB: boolean };
  const { m, k, n, stacked, countA, countB } = sizesOf('BatchMatMul', a, b, transposeA, transposeB);
  if (a.dtype !== 'float32' || b.dtype !== 'float32') return integerProduct(backend as WasmBackend, a, b, attrs);

  const native = nativeOn(backend);
  const count = tf.util.sizeFromShape(stacked);
  if (k === 0 || m * n * count === 0) return tf.zeros([...stacked, m, n]);
  const pays = transposeA || transposeB || m >= MIN_ROWS || tf.engine().state.gradientDepth > 0;
  const oneOfEach = countA === count && countB === count;
  if (native === null || !pays || (!oneOfEach && countA !== 1 && countB !== 1)) return plain();

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

/** `_FusedMatMul`. TF.js's own supports only biases with one axis. */
export const fusedMatMul: Kernel = (call, plain) => {
  const { inputs, attrs, backend } = call;
  const { a, b, bias, preluActivationWeights } = inputs;
  const { transposeA, transposeB, activation, leakyreluAlpha } = attrs as unknown as FusedAttributes;
  const sizes = sizesOf('_FusedMatMul', a, b, transposeA, transposeB);
  const { m, k, n, stacked } = sizes;
  const outShape = [...stacked, m, n];
  if (bias !== undefined) {
    const biased = tf.backend_util.assertAndGetBroadcastShape(outShape, bias.shape);
    checkFit('_FusedMatMul', tf.util.arraysEqual(biased, outShape), `bias [${bias.shape}] is wider than [${outShape}]`);
  }

  const floats = a.dtype === 'float32' && b.dtype === 'float32' && m * n * k * tf.util.sizeFromShape(stacked) > 0;
  const native = nativeOn(backend);
  const vector = bias === undefined || (bias.shape.length === 1 && bias.shape[0] === n && bias.dtype === 'float32');
  const pays = transposeA || transposeB || m >= MIN_ROWS || tf.engine().state.gradientDepth > 0;
  const single = sizes.countA === 1 && sizes.countB === 1;
  if (native !== null && floats && vector && pays && single && activation === 'linear') {
    const out = (backend as WasmBackend).makeOutput(outShape, 'float32');
    const to = addressOf(backend, out);
    withScratch(backend, native.gemmScratch(m, n, k), (scratch) => {
      multiply(native, m, n, k, addressOf(backend, a), transposeA, addressOf(backend, b), transposeB, to, scratch);
    });
    if (bias !== undefined) native.addBias(to, addressOf(backend, bias), to, m, n);
    return out;
  }
  // TF.js's own writes past its output if one factor has fewer matrices than the other.
  if (floats && vector && a.shape.length === 3 && b.shape.length === 3 && a.shape[0] === b.shape[0]) return plain();
  return tf.tidy(() => {
    const product = tf.matMul(a, b, transposeA, transposeB);
    const biased = bias === undefined ? product : tf.add(product, bias);
    return activate(biased, activation, preluActivationWeights, leakyreluAlpha);
  });
};

interface FusedAttributes {
  transposeA: boolean;
  transposeB: boolean;
  activation: FusedActivation;
  leakyreluAlpha?: number;
}

interface Sizes {
  m: number;
  k: number;
  n: number;
  /** The leading axes of the product. */
  stacked: number[];
  countA: number;
  countB: number;
}

function sizesOf(kernel: string, a: tf.Tensor, b: tf.Tensor, transposeA: boolean, transposeB: boolean): Sizes {
  checkFit(
    kernel,
    a.shape.length >= 2 && b.shape.length >= 2,
    `factors of shapes [${a.shape}] and [${b.shape}] are not matrices`,
  );
  const [rowsA, columnsA] = a.shape.slice(-2);
  const [rowsB, columnsB] = b.shape.slice(-2);
  const [m, k] = transposeA ? [columnsA, rowsA] : [rowsA, columnsA];
  const [inner, n] = transposeB ? [columnsB, rowsB] : [rowsB, columnsB];
  const turned = `transposed: ${Boolean(transposeA)}, ${Boolean(transposeB)}`;
  checkFit(kernel, k === inner, `inner sizes ${k} and ${inner} differ: [${a.shape}], [${b.shape}], ${turned}`);
  const [batchA, batchB] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  return {
    ...{ m, k, n, stacked: tf.backend_util.assertAndGetBroadcastShape(batchA, batchB) },
    ...{ countA: tf.util.sizeFromShape(batchA), countB: tf.util.sizeFromShape(batchB) },
  };
}

/** Factors that are not both float32, multiplied as on TF.js's cpu backend: the product has the type of the first factor. */
function integerProduct(
  backend: WasmBackend,
  a: tf.Tensor,
  b: tf.Tensor,
  attrs: Record<string, unknown>,
): tf.TensorInfo {
  const { transposeA, transposeB } = attrs as { transposeA: boolean; transposeB: boolean };
  const { m, k, n, stacked } = sizesOf('BatchMatMul', a, b, transposeA, transposeB);
  const wideA = tf.broadcastTo(a, [...stacked, ...a.shape.slice(-2)]);
  const wideB = tf.broadcastTo(b, [...stacked, ...b.shape.slice(-2)]);
  const out = backend.makeOutput([...stacked, m, n], a.dtype === 'float32' ? 'float32' : 'int32');
  const [x, y, product] = valuesOf(backend, wideA, wideB, out);
  const [rowA, stepA] = transposeA ? [1, m] : [k, 1];
  const [rowB, stepB] = transposeB ? [1, k] : [n, 1];
  for (let at = 0; at < product.length; at++) {
    const stack = Math.floor(at / (m * n));
    const row = stack * m * k + (Math.floor(at / n) % m) * rowA;
    const column = stack * k * n + (at % n) * stepB;
    let sum = 0;
    for (let i = 0; i < k; i++) sum += x[row + i * stepA] * y[column + i * rowB];
    product[at] = sum;
  }
  return out;
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
