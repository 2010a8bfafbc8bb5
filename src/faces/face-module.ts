import { type Assets, isWasm, shippedAt } from '../platform/assets.js';
import { type WasmBuild, wasmBuilds, wasmModule } from '../platform/wasm-module.js';

/**
 * Compiles BlazeFace's module (`src/faces/assembly`).
 *
 * @param assets - By default, the fastest build that this engine runs, from this package.
 * @returns Null where WebAssembly is missing or forbidden; then nothing is read.
 * @throws FerError `WASM_UNREACHABLE` when it is not found; `BACKEND_UNAVAILABLE` when the bytes are not a module.
 */
export function faceModule(assets?: Assets): Promise<WebAssembly.Module | null> {
  // The addresses are written out, because bundlers look for exactly this expression.
  const beside = {
    relaxed: () => new URL('../../dist/wasm/faces-relaxed.wasm', import.meta.url),
    simd: () => new URL('../../dist/wasm/faces-simd.wasm', import.meta.url),
    scalar: () => new URL('../../dist/wasm/faces-scalar.wasm', import.meta.url),
  };
  const fileOf = (build: WasmBuild) => ({
    name: `faces-${build}.wasm`,
    shipped: () => shippedAt(beside[build](), `dist/wasm/faces-${build}.wasm`, import.meta.url),
    accept: isWasm,
    code: 'WASM_UNREACHABLE' as const,
  });
  return wasmModule(fileOf, assets, faceBuilds());
}

/**
 * V8 before 13.6 (Node 22 and 23, Chrome before 136) compiles fused multiply-adds badly: the build with integers takes four fifths of the
 * time there. `RegExp.escape` came with that version; other engines with relaxed SIMD have it.
 */
function faceBuilds(): WasmBuild[] {
  const builds = wasmBuilds();
  return builds[0] === 'relaxed' && !('escape' in RegExp) ? ['simd', 'relaxed', 'scalar'] : builds;
}
