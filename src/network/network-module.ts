import { runtime } from '#runtime';
import { FerError, reasonOf } from '../errors.js';
import { addressesOf, assetCandidates } from '../platform/asset-candidates.js';
import { isWasm } from '../platform/is-wasm.js';

/**
 * A build of the network's WebAssembly module (`src/lite/assembly`), as the files of `fer-dcnn/wasm/` are named: with
 * fused multiply-add, with 128-bit SIMD, or for any engine.
 */
export type NetworkBuild = 'network-relaxed.wasm' | 'network-simd.wasm' | 'network-scalar.wasm';

/** The module itself: its bytes, compiled, or where it lies (in Node a path is a file). */
export type WasmSource = Uint8Array | ArrayBuffer | WebAssembly.Module | string | URL;

/** The fastest build that this engine runs. */
export function fastestBuild(): NetworkBuild {
  if (WebAssembly.validate(RELAXED_PROBE)) return 'network-relaxed.wasm';
  return WebAssembly.validate(SIMD_PROBE) ? 'network-simd.wasm' : 'network-scalar.wasm';
}

/**
 * Compiles the network's module.
 *
 * @param source - By default, the fastest build that this engine runs, from this package.
 * @returns Null where WebAssembly is missing or forbidden: nothing is read then.
 * @throws FerError `WASM_UNREACHABLE` when it is not found; `BACKEND_UNAVAILABLE` when the bytes are no module.
 */
export async function networkModule(source?: WasmSource): Promise<WebAssembly.Module | null> {
  if (isModule(source)) return source;
  if (!mayCompile()) return null;
  const bytes = isBytes(source) ? source : await read(source);
  try {
    return await WebAssembly.compile(bytes as Uint8Array<ArrayBuffer>);
  } catch (error) {
    throw new FerError('BACKEND_UNAVAILABLE', `the network's module cannot be compiled here: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

// --- below this line: helpers of this file alone ---

/** Whether bytes become modules here: some engines have no WebAssembly, and a page's policy may forbid it. */
function mayCompile(): boolean {
  try {
    return Boolean(new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])));
  } catch {
    return false;
  }
}

function isModule(source: unknown): source is WebAssembly.Module {
  // By name, because a module of another window or worker context is no instance of this one's class.
  return Object.prototype.toString.call(source) === '[object WebAssembly.Module]';
}

function isBytes(source: unknown): source is Uint8Array | ArrayBuffer {
  return ArrayBuffer.isView(source) || Object.prototype.toString.call(source) === '[object ArrayBuffer]';
}

async function read(address: string | URL | undefined): Promise<Uint8Array> {
  const build = fastestBuild();
  const candidates = addressesOf(() => (address === undefined ? shipped(build) : [runtime.toUrl(String(address))]));
  const asset = await runtime.readAsset(candidates, isWasm);
  if (asset !== null) return asset.bytes;
  throw new FerError(
    'WASM_UNREACHABLE',
    `no WebAssembly module of the network at ${candidates.join(' nor ') || build}: serve the files of fer-dcnn/dist/wasm, or ` +
      "pass one's bytes as `wasm` to createClassifier of fer-dcnn/lite",
  );
}

/** Spelled out, since bundlers find files by just this expression. */
function shipped(build: NetworkBuild): URL[] {
  const beside = {
    'network-relaxed.wasm': () => new URL('../../dist/wasm/network-relaxed.wasm', import.meta.url),
    'network-simd.wasm': () => new URL('../../dist/wasm/network-simd.wasm', import.meta.url),
    'network-scalar.wasm': () => new URL('../../dist/wasm/network-scalar.wasm', import.meta.url),
  };
  return assetCandidates(beside[build](), `dist/wasm/${build}`, import.meta.url);
}

/** A module of one function that returns the number of set bits of 16 zeros. */
const SIMD_PROBE = new Uint8Array([
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0],
  ...[10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11],
]);

/** A module of one function that swizzles in the relaxed way. */
const RELAXED_PROBE = new Uint8Array([
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0],
  ...[10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 11],
]);
