import * as tf from '@tensorflow/tfjs-core';
import { reasonOf } from '../../errors.js';
import { oneOf, optionsOf } from '../../options.js';
import { type Assets, assetsRule } from '../../platform/assets.js';
import * as convolution from './convolution.js';
import { dropoutKernel } from './dropout.js';
import * as elementwise from './elementwise.js';
import { registerGradients } from './gradients.js';
import { batchMatMul, fusedMatMul } from './mat-mul.js';
import { maxPool, maxPoolGrad } from './max-pool.js';
import { type NativePath, nativeOn, useNative, useNoNative, whyNotNative } from './native.js';
import { type Kernel, override } from './override.js';

/** Which code the training kernels run. */
export interface TrainingKernels {
  /**
   * `relaxed-simd` and `simd`: WebAssembly of this package, on TF.js's own memory; `composed`: ops that TF.js's wasm
   * backend has, right but slower.
   */
  path: KernelPath;
  /** Why no faster path runs. */
  reason?: string;
}

export type KernelPath = NativePath | 'composed';

export interface TrainingKernelsOptions {
  /**
   * A path to take instead of the fastest: to measure, or to tell a fault of one path from others.
   * @default the fastest that runs here
   */
  path?: KernelPath;
  /**
   * Where the `training*.wasm` binaries lie, or the binaries themselves.
   * @default the files in this package
   */
  assets?: Assets;
}

/**
 * Gives TF.js's `wasm` backend what the training of convolutional nets needs: `Conv2DBackpropFilter`
 * (tensorflow/tfjs#8474) and the gradients of depthwise convolutions, for any batch, size, stride, padding and number of
 * channels. Other backends are left alone. The kernels are there as soon as the call returns its promise, before the
 * backend is started or after. The SIMD code takes over when the promise resolves, if the engine has SIMD and this TF.js
 * shows its memory; until then, and else, the kernels are composed of ops that the backend has. Calling again without
 * options changes nothing.
 *
 * @returns The path that runs.
 * @throws FerError `WASM_UNREACHABLE` when `assets` names a binary that is not there.
 * @example
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-wasm';
 * import { registerTrainingKernels } from 'fer-dcnn/kernels';
 *
 * await tf.setBackend('wasm');
 * const { path } = await registerTrainingKernels();
 * await model.fit(xs, ys);
 */
export async function registerTrainingKernels(options: TrainingKernelsOptions = {}): Promise<TrainingKernels> {
  checkOptions(options);
  const { path: wanted, assets } = options;
  override('Conv2DBackpropFilter', convolution.conv2DBackpropFilter, registerTheRest);
  override('DepthwiseConv2dNativeBackpropFilter', convolution.depthwiseBackpropFilter);
  override('DepthwiseConv2dNativeBackpropInput', convolution.depthwiseBackpropInput);
  override('FerReluGradient', elementwise.reluGradient);
  override('FerDropout', dropoutKernel);
  registerTheRest();

  if (wanted !== undefined) useNoNative();
  if (wanted === 'composed') return { path: wanted, reason: 'asked for' };
  try {
    const backend = tf.engine().registry.wasm;
    const path = await useNative(backend, wanted, assets);
    if (backend === undefined || nativeOn(backend) !== null) return { path };
    return { path: 'composed', reason: whyNotNative(backend) };
  } catch (error) {
    // Slower without a word is not what was asked for.
    if (assets !== undefined) throw error;
    return { path: 'composed', reason: reasonOf(error) };
  }
}

// --- below this line: helpers of this file alone ---

/** Kernels that stand in for slow ones of TF.js. */
const FASTER: Record<string, Kernel> = {
  Conv2DBackpropInput: convolution.conv2DBackpropInput,
  Conv2D: convolution.conv2D,
  BatchMatMul: batchMatMul,
  _FusedMatMul: fusedMatMul,
  MaxPool: maxPool,
  MaxPoolGrad: maxPoolGrad,
  Add: elementwise.add,
  Identity: elementwise.identity,
  Sum: elementwise.sum,
};

/**
 * What only works once TF.js's wasm package and gradients are imported, which may be later than the first call: then
 * starting the backend, which sets our first kernel up, does it.
 */
function registerTheRest(): void {
  for (const [name, kernel] of Object.entries(FASTER)) {
    if (tf.getKernel(name, 'wasm') !== undefined) override(name, kernel);
  }
  registerGradients();
}

const checkOptions = optionsOf<TrainingKernelsOptions>('registerTrainingKernels', () => ({
  path: oneOf('relaxed-simd', 'simd', 'composed'),
  assets: assetsRule,
}));
