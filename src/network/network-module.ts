import { FerError, reasonOf } from '../errors.js';
import {
  type Assets,
  assetSource,
  isModule,
  isWasm,
  readAsset,
  type ShippedFile,
  shippedAt,
} from '../platform/assets.js';

/**
 * A build of the network's WebAssembly module (`src/lite/assembly`), as the files of `fer-dcnn/wasm/` are named: with
 * fused multiply-add, with 128-bit SIMD, or for any engine.
 */
export type NetworkBuild = 'network-relaxed.wasm' | 'network-simd.wasm' | 'network-scalar.wasm';

/** The fastest build that this engine runs. */
export function fastestBuild(): NetworkBuild {
  if (typeof WebAssembly === 'undefined') return 'network-scalar.wasm';
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
export async function networkModule(assets?: Assets): Promise<WebAssembly.Module | null> {
  const file = networkFile(buildIn(assets));
  const given = assets === undefined ? undefined : assetSource(assets, file.name);
  if (isModule(given)) return given;
  if (!mayCompile()) return null;
  const { content } = await readAsset(file, assets);
  try {
    return isModule(content) ? content : await WebAssembly.compile(content);
  } catch (error) {
    throw new FerError('BACKEND_UNAVAILABLE', `the network's module cannot be compiled here: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

/** The fastest build of those that a map names and this engine runs; else the fastest of all. */
function buildIn(assets: Assets | undefined): NetworkBuild {
  const fastest = fastestBuild();
  if (typeof assets !== 'object' || assets === null) return fastest;
  const fit = BUILDS.slice(BUILDS.indexOf(fastest));
  return fit.find((build) => assetSource(assets, build) !== undefined) ?? fastest;
}

/** Whether bytes become modules here: some engines have no WebAssembly, and a page's policy may forbid it. */
function mayCompile(): boolean {
  try {
    return Boolean(new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])));
  } catch {
    return false;
  }
}

/** The addresses are spelled out, since bundlers find files by just this expression. */
function networkFile(name: NetworkBuild): ShippedFile {
  const beside = {
    'network-relaxed.wasm': () => new URL('../../dist/wasm/network-relaxed.wasm', import.meta.url),
    'network-simd.wasm': () => new URL('../../dist/wasm/network-simd.wasm', import.meta.url),
    'network-scalar.wasm': () => new URL('../../dist/wasm/network-scalar.wasm', import.meta.url),
  };
  return {
    name,
    shipped: () => shippedAt(beside[name](), `dist/wasm/${name}`, import.meta.url),
    accept: isWasm,
    code: 'WASM_UNREACHABLE',
  };
}

/** Fastest first. */
const BUILDS: readonly NetworkBuild[] = ['network-relaxed.wasm', 'network-simd.wasm', 'network-scalar.wasm'];

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
