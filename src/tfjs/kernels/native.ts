import * as tf from '@tensorflow/tfjs-core';
import { reasonOf } from '../../errors.js';
import { type Assets, isModule, readAsset } from '../../platform/assets.js';
import { type TrainingBinary, trainingBinary } from '../assets.js';

/** The exports of the training module. Addresses and strides are in bytes, sizes in elements. */
export interface NativeKernels {
  gemmScratch(m: number, n: number, k: number): number;
  gemm(...sizesAndAddresses: number[]): void;
  convScratch(...sizes: number[]): number;
  conv2d(...sizesAndAddresses: number[]): void;
  conv2dFilterGradient(...sizesAndAddresses: number[]): void;
  inputGradientScratch(...sizes: number[]): number;
  conv2dInputGradient(...sizesAndAddresses: number[]): void;
  winogradScratch(inChannels: number, outChannels: number): number;
  resizeRows(from: number, rows: number, fromLength: number, to: number, toLength: number): void;
  winograd(...sizesAndAddresses: number[]): void;
  winogradFilterGradient(...sizesAndAddresses: number[]): void;
  stridedScratch(inChannels: number, outChannels: number): number;
  strided(...sizesAndAddresses: number[]): void;
  stridedFilterGradient(...sizesAndAddresses: number[]): void;
  stridedInputGradient(...sizesAndAddresses: number[]): void;
  turnFilter(filter: number, height: number, width: number, inChannels: number, outChannels: number, to: number): void;
  maxPool(...sizesAndAddresses: number[]): void;
  maxPoolGradient(...sizesAndAddresses: number[]): void;
  averagePool(...sizesAndAddresses: number[]): void;
  averagePoolGradient(...sizesAndAddresses: number[]): void;
  swish(x: number, out: number, count: number): void;
  swishGradient(x: number, dy: number, out: number, count: number): void;
  depthwiseScratch(...sizes: number[]): number;
  depthwise(...sizesAndAddresses: number[]): void;
  depthwiseFilterGradient(...sizesAndAddresses: number[]): void;
  depthwiseInputGradient(...sizesAndAddresses: number[]): void;
  turnTaps(filter: number, taps: number, channels: number, to: number): void;
  statistics(x: number, mean: number, variance: number, rows: number, columns: number): void;
  factors(variance: number, scale: number, factor: number, columns: number, epsilon: number): void;
  normalize(...addressesAndSizes: number[]): void;
  addNormalized(...addressesAndSizes: number[]): void;
  batchNormGradient(...addressesAndSizes: number[]): void;
  moveAverage(average: number, value: number, out: number, count: number, decay: number): void;
  sumsOfGradient(...addressesAndSizes: number[]): void;
  scaleRows(x: number, scale: number, out: number, rows: number, columns: number): void;
  clip(x: number, out: number, count: number, low: number, high: number): void;
  clipGradient(x: number, dy: number, out: number, count: number, low: number, high: number): void;
  addBias(x: number, bias: number, out: number, rows: number, columns: number): void;
  reluGradient(x: number, dy: number, out: number, count: number): void;
  sumRows(x: number, out: number, rows: number, columns: number): void;
  adam(...addressesAndNumbers: number[]): void;
  descend(...addressesAndNumbers: number[]): void;
  descendWithMomentum(...addressesAndNumbers: number[]): void;
  rmsProp(...addressesAndNumbers: number[]): void;
  adamOfMany(...addressesAndNumbers: number[]): void;
  dropout(x: number, out: number, count: number, seed: number, threshold: number, scale: number): void;
}

/** The parts of TF.js's wasm backend that are used here; its public types do not have them. */
export interface WasmBackend {
  wasm: {
    asm?: { memory?: unknown };
    /** The place of the memory in TF.js's threaded build. */
    wasmMemory?: unknown;
    _malloc(bytes: number): number;
    _free(address: number): void;
  };
  dataIdMap: { get(dataId: object): { memoryOffset: number; stringBytes?: Uint8Array[] } };
  makeOutput(shape: number[], dtype: tf.DataType): tf.TensorInfo;
  typedArrayFromHeap(tensor: tf.TensorInfo): Float32Array | Int32Array | Uint8Array;
}

/** A build of the training module: with fused multiply-add, or with plain 128-bit SIMD. */
export type NativePath = 'relaxed-simd' | 'simd';

interface NativeModule {
  path: NativePath;
  /** Whether it works on shared memory. */
  shared: boolean;
  module: WebAssembly.Module;
}

const modules = new Map<string, Promise<NativeModule>>();
const instances = new WeakMap<object, Map<NativeModule, NativeKernels | string>>();
let active: NativeModule | null = null;
/** What `nativeOn` returned last: it is asked for in every kernel. */
let last: { backend: WeakRef<object>; module: NativeModule; kernels: NativeKernels } | null = null;
/** The last assets given to `useNative`; threads of a training load their module from them too. */
let places: Assets | undefined;

/**
 * Loads the training module (each build once), and makes `nativeOn` return it.
 *
 * @param backend - The wasm backend if it has started; a threaded backend needs a separate build.
 * @param wanted - Which build; by default the fastest that this engine supports.
 * @param assets - Addresses of the builds, or the builds themselves.
 * @throws FerError `WASM_UNREACHABLE` when it is not found; Error when the engine does not accept it.
 */
export async function useNative(
  backend: unknown,
  wanted: NativePath = fastestPath(),
  assets = places,
): Promise<NativePath> {
  places = assets;
  const shared = backend !== undefined && isShared(memoryOf(backend as WasmBackend));
  const key = `${wanted} ${shared}`;
  let loading = modules.get(key);
  if (loading === undefined) {
    loading = load(wanted, shared, assets);
    modules.set(key, loading);
  }
  try {
    active = await loading;
    return wanted;
  } catch (error) {
    modules.delete(key);
    throw error;
  }
}

/** Makes `nativeOn` return null from now on. */
export function useNoNative(): void {
  active = null;
}

/** The training kernels on this backend's memory, or null when they are not loaded or cannot work on it. */
export function nativeOn(backend: unknown): NativeKernels | null {
  if (active === null) return null;
  if (last !== null && last.module === active && last.backend.deref() === backend) return last.kernels;
  const made = instanceOn(backend as WasmBackend, active);
  if (typeof made === 'string') return null;
  last = { backend: new WeakRef(backend as object), module: active, kernels: made };
  return made;
}

/** Why `nativeOn` returns null for this backend. */
export function whyNotNative(backend: unknown): string | undefined {
  if (active === null) return 'the training kernels are not loaded';
  const made = instanceOn(backend as WasmBackend, active);
  return typeof made === 'string' ? made : undefined;
}

/**
 * The training kernels on the caller's own shared memory.
 *
 * @throws Error when they cannot be found, or the engine does not accept them.
 */
export async function nativeOnShared(memory: WebAssembly.Memory): Promise<NativeKernels> {
  const { module } = await load(fastestPath(), true, places);
  const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
  return exports as unknown as NativeKernels;
}

/** Runs `work` with scratch memory of the backend's own allocator. */
export function withScratch<T>(backend: unknown, bytes: number, work: (address: number) => T): T {
  const { wasm } = backend as WasmBackend;
  const address = wasm._malloc(bytes);
  if (address === 0) throw new Error(`the wasm backend cannot allocate ${bytes} bytes`);
  try {
    return work(address);
  } finally {
    wasm._free(address);
  }
}

/** Address of a tensor's values in the backend's memory; moves them there from another backend. */
export function addressOf(backend: unknown, tensor: { dataId: object }): number {
  return (backend as WasmBackend).dataIdMap.get(tensor.dataId).memoryOffset;
}

/** Views of several tensors' values in the backend's memory, valid until the next op, because a new tensor may grow the memory. */
export function valuesOf(backend: unknown, ...tensors: tf.TensorInfo[]): (Float32Array | Int32Array | Uint8Array)[] {
  // First move all of them here from other backends, which may grow the memory.
  for (const tensor of tensors) addressOf(backend, tensor);
  return tensors.map((tensor) => (backend as WasmBackend).typedArrayFromHeap(tensor));
}

/** A view of a float tensor's values without a copy, valid until the next op; null on backends other than wasm. */
export function valuesInPlace(tensor: { dataId: object; size: number }): Float32Array | null {
  if (tf.getBackend() !== 'wasm') return null;
  const backend = tf.backend() as unknown as WasmBackend;
  const memory = memoryOf(backend);
  if (!(memory instanceof WebAssembly.Memory)) return null;
  return new Float32Array(memory.buffer, addressOf(backend, tensor), tensor.size);
}

async function load(path: NativePath, shared: boolean, assets: Assets | undefined): Promise<NativeModule> {
  const file = `training${path === 'simd' ? '' : '-relaxed'}${shared ? '-shared' : ''}.wasm` as TrainingBinary;
  const { content } = await readAsset(trainingBinary(file), assets);
  return { path, shared, module: isModule(content) ? content : await WebAssembly.compile(content) };
}

function instanceOn(backend: WasmBackend, native: NativeModule): NativeKernels | string {
  let made = instances.get(backend);
  if (made === undefined) {
    made = new Map();
    instances.set(backend, made);
  }
  let instance = made.get(native);
  if (instance === undefined) {
    instance = instantiate(backend, native);
    made.set(native, instance);
  }
  return instance;
}

function memoryOf({ wasm }: WasmBackend): unknown {
  return wasm?.wasmMemory ?? wasm?.asm?.memory;
}

function isShared(memory: unknown): boolean {
  const sharing = typeof SharedArrayBuffer !== 'undefined' && memory instanceof WebAssembly.Memory;
  return sharing && memory.buffer instanceof SharedArrayBuffer;
}

function instantiate(backend: WasmBackend, { module, shared }: NativeModule): NativeKernels | string {
  const memory = memoryOf(backend);
  if (!(memory instanceof WebAssembly.Memory)) return 'this build of the wasm backend does not expose its memory';
  if (shared !== isShared(memory))
    return 'the wasm backend was restarted after the kernels were registered, with new memory: register again';
  try {
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    return exports as unknown as NativeKernels;
  } catch (error) {
    return `the wasm backend's memory cannot be imported: ${reasonOf(error)}`;
  }
}

/** A module with one function that uses a relaxed swizzle. */
const RELAXED_PROBE = new Uint8Array([
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0],
  ...[10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 11],
]);

function fastestPath(): NativePath {
  return WebAssembly.validate(RELAXED_PROBE) ? 'relaxed-simd' : 'simd';
}
