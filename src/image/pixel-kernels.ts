import { PIXEL_KERNELS_WASM } from './pixel-kernels-wasm.js';

/** Memory of a kernel module, by the type of its elements. The views are valid until more is reserved. */
export interface KernelMemory {
  bytes: Uint8Array;
  integers: Int32Array;
  floats: Float32Array;
  doubles: Float64Array;
  /** Reserves this many bytes from address 0. A later call may overwrite them. */
  reserve(bytes: number): void;
}

/** The SIMD loops over pixels in src/image/assembly. Addresses in bytes, sizes in elements. */
export interface PixelKernels extends KernelMemory {
  resampleRows(...addressesAndNumbers: number[]): void;
  localContrast(levels: number, width: number, height: number, across: number, down: number, scratch: number): void;
}

/**
 * The pixel kernels; null where WebAssembly with SIMD is missing or forbidden. TypeScript then gives the
 * same bits, several times slower.
 */
export function pixelKernels(): PixelKernels | null {
  if (kernels === undefined) kernels = startKernels(PIXEL_KERNELS_WASM);
  return kernels;
}

/** For tests: switches between TypeScript and the kernels. */
export function usePixelKernels(use: 'kernels' | 'none'): void {
  kernels = use === 'none' ? null : undefined;
}

let kernels: PixelKernels | null | undefined;

/**
 * Starts a module of kernels that imports nothing.
 *
 * @param hex - Its bytes, two hex digits each.
 * @returns Its exports and its memory; null where there is no WebAssembly with SIMD, or it is not allowed.
 */
export function startKernels<K extends KernelMemory>(hex: readonly string[]): K | null {
  try {
    const bytes = Uint8Array.from(hex.join('').match(/../g)!, (digits) => Number.parseInt(digits, 16));
    // Synchronous, like resampling: engines allow this for modules of this size.
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
    return withViews<K>(exports as unknown as Exports);
  } catch {
    return null;
  }
}

type Exports = { memory: WebAssembly.Memory };

function withViews<K extends KernelMemory>(exports: Exports): K {
  const { memory } = exports;
  const views = () => ({
    bytes: new Uint8Array(memory.buffer),
    integers: new Int32Array(memory.buffer),
    floats: new Float32Array(memory.buffer),
    doubles: new Float64Array(memory.buffer),
  });
  const kernels: KernelMemory = {
    ...exports,
    ...views(),
    reserve(bytes) {
      const missing = bytes - memory.buffer.byteLength;
      if (missing <= 0) return;
      memory.grow(Math.ceil(missing / 65_536));
      Object.assign(kernels, views());
    },
  };
  return kernels as K;
}
