import { FerError, reasonOf } from '../errors.js';
import { type Assets, assetSource, isModule, readAsset, type ShippedFile } from './assets.js';

/** The builds of each of our WebAssembly modules: with fused multiply-add, with 128-bit SIMD, or for any engine. */
export type WasmBuild = 'relaxed' | 'simd' | 'scalar';

/** The fastest build that this engine runs. */
export function fastestWasm(): WasmBuild {
  if (typeof WebAssembly === 'undefined') return 'scalar';
  if (WebAssembly.validate(RELAXED_PROBE)) return 'relaxed';
  return WebAssembly.validate(SIMD_PROBE) ? 'simd' : 'scalar';
}

/** The builds that this engine runs, fastest first. */
export function wasmBuilds(): WasmBuild[] {
  return BUILDS.slice(BUILDS.indexOf(fastestWasm()));
}

/**
 * Compiles a module: by default, the fastest build that this engine runs, from this package; or, if a map of
 * assets has several builds, the fastest of them.
 *
 * @param builds - The builds that this engine runs, fastest first.
 * @returns Null where WebAssembly is missing or forbidden; then nothing is read.
 * @throws FerError with the file's code when it is not found; `BACKEND_UNAVAILABLE` when the bytes are not a module.
 */
export async function wasmModule(
  fileOf: (build: WasmBuild) => ShippedFile,
  assets?: Assets,
  builds = wasmBuilds(),
): Promise<WebAssembly.Module | null> {
  const file = fileOf(buildIn(fileOf, assets, builds));
  const given = assets === undefined ? undefined : assetSource(assets, file.name);
  if (isModule(given)) return given;
  if (!mayCompile()) return null;
  const { content } = await readAsset(file, assets);
  try {
    return isModule(content) ? content : await WebAssembly.compile(content);
  } catch (error) {
    throw new FerError('BACKEND_UNAVAILABLE', `${file.name} cannot be compiled here: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

/** The fastest build that a map has and this engine runs, or else the fastest of all. */
function buildIn(
  fileOf: (build: WasmBuild) => ShippedFile,
  assets: Assets | undefined,
  builds: readonly WasmBuild[],
): WasmBuild {
  if (typeof assets !== 'object' || assets === null) return builds[0];
  return builds.find((build) => assetSource(assets, fileOf(build).name) !== undefined) ?? builds[0];
}

/** Whether modules can be compiled: some engines have no WebAssembly, and a page's policy may forbid it. */
function mayCompile(): boolean {
  try {
    return Boolean(new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])));
  } catch {
    return false;
  }
}

/** Fastest first. */
const BUILDS: readonly WasmBuild[] = ['relaxed', 'simd', 'scalar'];

/** A module with one function that returns the number of set bits of 16 zeros. */
const SIMD_PROBE = new Uint8Array([
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0],
  ...[10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11],
]);

/** A module with one function that uses a relaxed swizzle. */
const RELAXED_PROBE = new Uint8Array([
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0],
  ...[10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 11],
]);
