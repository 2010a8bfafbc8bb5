import { isWasm, type ShippedFile, shippedAt } from '../platform/assets.js';

/** A binary of TF.js's wasm backend. */
export function tfjsBinary(name: TfjsBinary): ShippedFile {
  const accept = (bytes: Uint8Array<ArrayBuffer>) => isWasm(bytes) && WebAssembly.validate(bytes);
  return { ...shippedBinary(name), accept };
}

/** A build of the training kernels. */
export function trainingBinary(name: TrainingBinary): ShippedFile {
  return shippedBinary(name);
}

export type TfjsBinary = (typeof TFJS_BINARIES)[number];
export type TrainingBinary = Exclude<keyof typeof BESIDE, TfjsBinary>;

/** The binaries of TF.js; an engine uses one of them. */
export const TFJS_BINARIES = [
  'tfjs-backend-wasm.wasm',
  'tfjs-backend-wasm-simd.wasm',
  'tfjs-backend-wasm-threaded-simd.wasm',
] as const;

/** Each address is written out, because bundlers look for exactly this expression, and is created on demand. */
const BESIDE = {
  'tfjs-backend-wasm.wasm': () => new URL('../../dist/wasm/tfjs-backend-wasm.wasm', import.meta.url),
  'tfjs-backend-wasm-simd.wasm': () => new URL('../../dist/wasm/tfjs-backend-wasm-simd.wasm', import.meta.url),
  'tfjs-backend-wasm-threaded-simd.wasm': () =>
    new URL('../../dist/wasm/tfjs-backend-wasm-threaded-simd.wasm', import.meta.url),
  'training.wasm': () => new URL('../../dist/wasm/training.wasm', import.meta.url),
  'training-relaxed.wasm': () => new URL('../../dist/wasm/training-relaxed.wasm', import.meta.url),
  'training-shared.wasm': () => new URL('../../dist/wasm/training-shared.wasm', import.meta.url),
  'training-relaxed-shared.wasm': () => new URL('../../dist/wasm/training-relaxed-shared.wasm', import.meta.url),
};

function shippedBinary(name: keyof typeof BESIDE): ShippedFile {
  return {
    name,
    shipped: () => shippedAt(BESIDE[name](), `dist/wasm/${name}`, import.meta.url),
    accept: isWasm,
    code: 'WASM_UNREACHABLE',
  };
}
