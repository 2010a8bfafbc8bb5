import * as tf from '@tensorflow/tfjs-core';
import { addressOf, type NativeKernels, nativeOn, type WasmBackend, withScratch } from './native.js';

/*
 * Tensors that are computed when they are first read. Batch normalization in training, sums and the gradients of ReLU give
 * such tensors: the kernel that follows often computes both in one pass and never reads the tensor itself, which then
 * needs no memory. Whoever else reads the tensor gets its values as usual.
 */

/** (x - mean) * scale / sqrt(variance + epsilon) + offset. */
export interface Normalized {
  kind: 'normalized';
  x: tf.TensorInfo;
  mean: tf.TensorInfo;
  variance: tf.TensorInfo;
  scale: tf.TensorInfo;
  offset: tf.TensorInfo;
  epsilon: number;
}

/** a + b, of the same shape. */
export interface Sum {
  kind: 'sum';
  a: tf.TensorInfo;
  b: tf.TensorInfo;
}

/** dy where the output of a batch normalization was within the bounds, else 0. Without an upper bound: of ReLU. */
export interface Masked {
  kind: 'masked';
  dy: tf.TensorInfo;
  /** That output, or that of the activation after it. */
  y: tf.TensorInfo;
  low: number;
  high: number;
}

export type Formula = Normalized | Sum | Masked;

/** A float tensor of that shape whose values are computed when they are first read. */
export function defer(backend: unknown, shape: number[], formula: Formula): tf.TensorInfo {
  const { dataIdMap } = backend as Backend;
  const id = (backend as Backend).dataIdNextNumber++;
  const dataId = { id };
  dataIdMap.set(dataId, new Deferred(backend as Backend, id, shape, formula));
  return { dataId, shape, dtype: 'float32' };
}

/** What a tensor will hold, or null if its values are there. */
export function formulaOf(backend: unknown, tensor: { dataId: object }): Formula | null {
  return deferredOf(backend, tensor)?.formula ?? null;
}

/** Computes what is deferred of the inputs of a kernel that does not know deferred tensors. */
export function settle(backend: unknown, inputs: Record<string, tf.TensorInfo | undefined>): void {
  if (waiting === 0) return;
  for (const name in inputs) {
    const input = inputs[name];
    if (input?.dtype !== 'float32') continue;
    deferredOf(backend, input)?.settle();
  }
}

/**
 * The values of a deferred tensor in a new one, clipped to the bounds. The deferred tensor stays so. Null if the tensor
 * is not deferred, or a gradient.
 */
export function clippedCopy(backend: unknown, x: tf.TensorInfo, low: number, high: number): tf.TensorInfo | null {
  const deferred = deferredOf(backend, x);
  if (deferred?.formula == null || deferred.formula.kind === 'masked') return null;
  const out = (backend as WasmBackend).makeOutput(x.shape, 'float32');
  deferred.write(addressOf(backend, out), low, high);
  return out;
}

function deferredOf(backend: unknown, { dataId }: { dataId: object }): Deferred | null {
  if (waiting === 0) return null;
  const data = (backend as Backend).dataIdMap.get(dataId);
  return data instanceof Deferred ? data : null;
}

/** Number of tensors whose values nobody has read yet. */
let waiting = 0;

interface Backend extends WasmBackend {
  dataIdNextNumber: number;
  dataIdMap: WasmBackend['dataIdMap'] & { set(dataId: object, data: object): void };
  wasm: WasmBackend['wasm'] & { tfjs: { registerTensor(id: number, size: number, address: number): void } };
  disposeData(dataId: object): boolean;
  incRef(dataId: object): void;
}

/** What TF.js's backend keeps for a tensor. It reads `memoryOffset` and `id` before it reads or frees the values. */
class Deferred {
  readonly dtype = 'float32';
  readonly shape: number[];
  readonly #backend: Backend;
  /** The kernels of the time when the tensor was made; others may be registered later. */
  readonly #native: NativeKernels;
  readonly #id: number;
  #formula: Formula | null;
  #address = 0;
  #references = 1;

  constructor(backend: Backend, id: number, shape: number[], formula: Formula) {
    this.#backend = backend;
    this.#native = nativeOn(backend)!;
    this.#id = id;
    this.shape = shape;
    this.#formula = formula;
    waiting++;
    for (const { dataId } of inputsOf(formula)) backend.incRef(dataId);
  }

  get formula(): Formula | null {
    return this.#formula;
  }

  get id(): number {
    this.settle();
    return this.#id;
  }

  get memoryOffset(): number {
    this.settle();
    return this.#address;
  }

  get refCount(): number {
    return this.#references;
  }

  /** Nobody reads the values of a tensor without references: its memory, at 0, needs no freeing. */
  set refCount(count: number) {
    this.#references = count;
    if (count === 0) this.#release();
  }

  settle(): void {
    if (this.#formula === null) return;
    const { wasm } = this.#backend;
    const size = tf.util.sizeFromShape(this.shape);
    this.#address = wasm._malloc(4 * size) >>> 0;
    if (this.#address === 0) throw new Error(`the wasm backend cannot allocate ${4 * size} bytes`);
    wasm.tfjs.registerTensor(this.#id, size, this.#address);
    this.write(this.#address, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
    this.#release();
  }

  /** Writes the values, clipped to the bounds, to an address. */
  write(to: number, low: number, high: number): void {
    const formula = this.#formula!;
    const native = this.#native;
    const at = (tensor: tf.TensorInfo) => addressOf(this.#backend, tensor);
    const factorsOf = ({ variance, scale, epsilon }: Normalized, factor: number) =>
      native.factors(at(variance), at(scale), factor, variance.shape[0], epsilon);
    const size = tf.util.sizeFromShape(this.shape);
    const columns = this.shape[this.shape.length - 1];
    if (formula.kind === 'masked') {
      const { y, dy, low, high } = formula;
      if (high === Number.POSITIVE_INFINITY) native.reluGradient(at(y), at(dy), to, size);
      else native.clipGradient(at(y), at(dy), to, size, low, high);
    } else if (formula.kind === 'normalized') {
      withScratch(this.#backend, 4 * columns, (factor) => {
        factorsOf(formula, factor);
        const vectors = [at(formula.mean), factor, at(formula.offset)];
        native.normalize(at(formula.x), ...vectors, to, size / columns, columns, low, high);
      });
    } else {
      withScratch(this.#backend, 8 * columns, (scratch) => {
        const terms = [formula.a, formula.b].flatMap((term, i) => {
          const normalized = formulaOf(this.#backend, term);
          if (normalized?.kind !== 'normalized' || normalized.mean.shape[0] !== columns) return [at(term), 0, 0, 0];
          const factor = scratch + 4 * columns * i;
          factorsOf(normalized, factor);
          return [at(normalized.x), at(normalized.mean), factor, at(normalized.offset)];
        });
        native.addNormalized(...terms, to, size / columns, columns, low, high);
      });
    }
  }

  #release(): void {
    if (this.#formula === null) return;
    const inputs = inputsOf(this.#formula);
    this.#formula = null;
    waiting--;
    const engine = tf.engine() as unknown as { removeDataId(dataId: object, backend: unknown): void };
    for (const { dataId } of inputs) {
      if (this.#backend.disposeData(dataId)) engine.removeDataId(dataId, this.#backend);
    }
  }
}

function inputsOf(formula: Formula): tf.TensorInfo[] {
  switch (formula.kind) {
    case 'normalized':
      return [formula.x, formula.mean, formula.variance, formula.scale, formula.offset];
    case 'sum':
      return [formula.a, formula.b];
    case 'masked':
      return [formula.dy, formula.y];
  }
}
