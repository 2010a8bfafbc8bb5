import { runtime } from '#runtime';
import { reasonOf } from '../errors.js';

/** The exports of the training module. Addresses and strides are in bytes, sizes in elements. */
export interface NativeKernels {
  gemmScratch(m: number, n: number, k: number): number;
  gemm(...sizesAndAddresses: number[]): void;
  convScratch(...sizes: number[]): number;
  conv2d(...sizesAndAddresses: number[]): void;
  conv2dFilterGradient(...sizesAndAddresses: number[]): void;
  inputGradientScratch(...sizes: number[]): number;
  conv2dInputGradient(...sizesAndAddresses: number[]): void;
  turnFilter(filter: number, height: number, width: number, inChannels: number, outChannels: number, to: number): void;
  maxPool(...sizesAndAddresses: number[]): void;
  maxPoolGradient(...sizesAndAddresses: number[]): void;
  addBias(x: number, bias: number, out: number, rows: number, columns: number): void;
  reluGradient(x: number, dy: number, out: number, count: number): void;
  sumRows(x: number, out: number, rows: number, columns: number): void;
  adam(...addressesAndNumbers: number[]): void;
  dropout(x: number, out: number, count: number, seed: number, threshold: number, scale: number): void;
}

/** The part of TF.js's wasm backend that is used here; it is not in its public types. */
export interface WasmBackend {
  wasm: {
    asm?: { memory?: unknown };
    _malloc(bytes: number): number;
    _free(address: number): void;
  };
  dataIdMap: { get(dataId: object): { memoryOffset: number } };
  makeOutput(shape: number[], dtype: 'float32'): { dataId: object; shape: number[]; dtype: 'float32' };
}

/** A build of the training module that this engine takes. */
export interface NativeModule {
  path: 'relaxed-simd' | 'simd';
  module: WebAssembly.Module;
}

let loading: Promise<NativeModule> | undefined;
let loaded: NativeModule | undefined;
const instances = new WeakMap<object, NativeKernels | string>();

/**
 * Loads the training module, once.
 *
 * @throws Error when it cannot be found, or the engine has no SIMD.
 */
export async function loadNative(): Promise<NativeModule> {
  loading ??= load();
  try {
    loaded = await loading;
    return loaded;
  } catch (error) {
    loading = undefined;
    throw error;
  }
}

/** The training kernels on this backend's memory, or null when they are not loaded or cannot work on it. */
export function nativeOn(backend: unknown): NativeKernels | null {
  if (loaded === undefined) return null;
  const known = instances.get(backend as object);
  if (known !== undefined) return typeof known === 'string' ? null : known;

  const made = instantiate(backend as WasmBackend, loaded.module);
  instances.set(backend as object, made);
  return typeof made === 'string' ? null : made;
}

/** Why `nativeOn` gives null for this backend. */
export function whyNotNative(backend: unknown): string | undefined {
  const known = instances.get(backend as object);
  return typeof known === 'string' ? known : undefined;
}

/** Runs `work` with scratch memory of the backend's own allocator. */
export function withScratch<T>(backend: unknown, bytes: number, work: (address: number) => T): T {
  const { wasm } = backend as WasmBackend;
  const address = wasm._malloc(bytes);
  if (address === 0) throw new Error(`the wasm backend has no ${bytes} bytes left`);
  try {
    return work(address);
  } finally {
    wasm._free(address);
  }
}

/** Where a tensor's values lie in the backend's memory; moves them there from another backend. */
export function addressOf(backend: unknown, tensor: { dataId: object }): number {
  return (backend as WasmBackend).dataIdMap.get(tensor.dataId).memoryOffset;
}

// --- below this line: helpers of this file alone ---

async function load(): Promise<NativeModule> {
  const path = hasRelaxedSimd() ? 'relaxed-simd' : 'simd';
  const url =
    path === 'relaxed-simd'
      ? new URL('../../dist/wasm/training-relaxed.wasm', import.meta.url)
      : new URL('../../dist/wasm/training.wasm', import.meta.url);
  const asset = await runtime.readAsset([url], isWasm);
  if (asset === null) throw new Error(`${url} is not there`);
  return { path, module: await WebAssembly.compile(asset.bytes) };
}

function instantiate(backend: WasmBackend, module: WebAssembly.Module): NativeKernels | string {
  const memory = backend.wasm?.asm?.memory;
  if (!(memory instanceof WebAssembly.Memory)) return 'this build of the wasm backend does not show its memory';
  try {
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    return exports as unknown as NativeKernels;
  } catch (error) {
    return `the wasm backend's memory cannot be imported: ${reasonOf(error)}`;
  }
}

function isWasm(bytes: Uint8Array): boolean {
  return bytes[0] === 0 && bytes[1] === 0x61 && bytes[2] === 0x73 && bytes[3] === 0x6d;
}

/** A module of one function that swizzles in the relaxed way. */
const RELAXED_PROBE = new Uint8Array([
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0],
  ...[10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 11],
]);

function hasRelaxedSimd(): boolean {
  return WebAssembly.validate(RELAXED_PROBE);
}
