import { type KernelMemory, pixelKernels, startKernels } from '../../image/pixel-kernels.js';
import { AUGMENT_KERNELS_WASM } from './augment-kernels-wasm.js';

/** The loops of augmentation in src/tfjs/train/assembly. Addresses in bytes, sizes in elements. */
export interface AugmentKernels extends KernelMemory {
  warp(...addressesAndNumbers: number[]): void;
  changeLevels(data: number, count: number, factor: number, lift: number): void;
}

/** The kernels of augmentation; null where the pixel kernels do not run. TypeScript then gives the same bits. */
export function augmentKernels(): AugmentKernels | null {
  if (pixelKernels() === null) return null;
  kernels ??= startKernels<AugmentKernels>(AUGMENT_KERNELS_WASM);
  return kernels;
}

let kernels: AugmentKernels | null | undefined;
