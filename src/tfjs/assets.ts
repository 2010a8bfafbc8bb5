/**
 * Where the binaries of this wing lie beside the running module. Each address is spelled out, since bundlers find files by
 * just this expression, and made when it is asked for: nothing runs at import.
 */
export const TFJS_BINARIES = {
  'tfjs-backend-wasm.wasm': () => new URL('../../dist/wasm/tfjs-backend-wasm.wasm', import.meta.url),
  'tfjs-backend-wasm-simd.wasm': () => new URL('../../dist/wasm/tfjs-backend-wasm-simd.wasm', import.meta.url),
  'tfjs-backend-wasm-threaded-simd.wasm': () =>
    new URL('../../dist/wasm/tfjs-backend-wasm-threaded-simd.wasm', import.meta.url),
};

export const TRAINING_BINARIES = {
  'training.wasm': () => new URL('../../dist/wasm/training.wasm', import.meta.url),
  'training-relaxed.wasm': () => new URL('../../dist/wasm/training-relaxed.wasm', import.meta.url),
  'training-shared.wasm': () => new URL('../../dist/wasm/training-shared.wasm', import.meta.url),
  'training-relaxed-shared.wasm': () => new URL('../../dist/wasm/training-relaxed-shared.wasm', import.meta.url),
};
