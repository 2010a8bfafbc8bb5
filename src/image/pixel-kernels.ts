import { PIXEL_KERNELS_WASM } from './pixel-kernels-wasm.js';

/** The exports of the module, as src/image/assembly has them. Addresses in bytes, sizes in elements. */
interface PixelExports {
  memory: WebAssembly.Memory;
  resampleRows(...addressesAndNumbers: number[]): void;
  localContrast(levels: number, width: number, height: number, across: number, down: number, scratch: number): void;
  warp(...addressesAndNumbers: number[]): void;
  changeLevels(data: number, count: number, factor: number, lift: number): void;
}

/** Loops over pixels in SIMD, on memory of their own. The views are valid until more is reserved. */
export interface PixelKernels extends PixelExports {
  bytes: Uint8Array;
  integers: Int32Array;
  floats: Float32Array;
  doubles: Float64Array;
  /** Gives room for so many bytes from address 0 on; what lay there may be overwritten by any call. */
  reserve(bytes: number): void;
}

/**
 * The pixel kernels; null where there is no WebAssembly with SIMD, or it is not allowed: TypeScript then does the same,
 * to the bit, several times slower.
 */
export function pixelKernels(): PixelKernels | null {
  if (kernels === undefined) kernels = start();
  return kernels;
}

/** For tests: from now on TypeScript does the work, or no longer. */
export function usePixelKernels(use: 'kernels' | 'none'): void {
  kernels = use === 'none' ? null : undefined;
}

let kernels: PixelKernels | null | undefined;

function start(): PixelKernels | null {
  try {
    const bytes = Uint8Array.from(PIXEL_KERNELS_WASM.join('').match(/../g)!, (digits) => Number.parseInt(digits, 16));
    // At once, as images are resampled: engines take modules of this size without a promise.
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
    return withViews(exports as unknown as PixelExports);
  } catch {
    return null;
  }
}

function withViews(exports: PixelExports): PixelKernels {
  const { memory } = exports;
  const views = () => ({
    bytes: new Uint8Array(memory.buffer),
    integers: new Int32Array(memory.buffer),
    floats: new Float32Array(memory.buffer),
    doubles: new Float64Array(memory.buffer),
  });
  const kernels: PixelKernels = {
    ...exports,
    ...views(),
    reserve(bytes) {
      const missing = bytes - memory.buffer.byteLength;
      if (missing <= 0) return;
      memory.grow(Math.ceil(missing / 65_536));
      Object.assign(kernels, views());
    },
  };
  return kernels;
}
