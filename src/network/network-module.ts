import { type Assets, isWasm, shippedAt } from '../platform/assets.js';
import { fastestWasm, type WasmBuild, wasmModule } from '../platform/wasm-module.js';

/**
 * A build of the network's WebAssembly module (`src/network/assembly`), as the files of `fer-dcnn/wasm/` are named: with
 * fused multiply-add, with 128-bit SIMD, or for any engine.
 */
export type NetworkBuild = `network-${WasmBuild}.wasm`;

/** The fastest build that this engine runs. */
export function fastestBuild(): NetworkBuild {
  return `network-${fastestWasm()}.wasm`;
}

/**
 * Compiles the network's module.
 *
 * @param assets - By default, the fastest build that this engine runs, from this package.
 * @returns Null where WebAssembly is missing or forbidden; then nothing is read.
 * @throws FerError `WASM_UNREACHABLE` when it is not found; `BACKEND_UNAVAILABLE` when the bytes are not a module.
 */
export function networkModule(assets?: Assets): Promise<WebAssembly.Module | null> {
  // The addresses are written out, because bundlers look for exactly this expression.
  const beside = {
    relaxed: () => new URL('../../dist/wasm/network-relaxed.wasm', import.meta.url),
    simd: () => new URL('../../dist/wasm/network-simd.wasm', import.meta.url),
    scalar: () => new URL('../../dist/wasm/network-scalar.wasm', import.meta.url),
  };
  const fileOf = (build: WasmBuild) => ({
    name: `network-${build}.wasm`,
    shipped: () => shippedAt(beside[build](), `dist/wasm/network-${build}.wasm`, import.meta.url),
    accept: isWasm,
    code: 'WASM_UNREACHABLE' as const,
  });
  return wasmModule(fileOf, assets);
}
