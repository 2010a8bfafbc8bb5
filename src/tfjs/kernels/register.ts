import * as tf from '@tensorflow/tfjs-core';
import { reasonOf } from '../../errors.js';
import { oneOf, optionsOf } from '../../options.js';
import { type Assets, assetsRule } from '../../platform/assets.js';
import { batchNormGradientKernel, fusedBatchNorm } from './batch-norm.js';
import { batchNormTraining, batchNormTrainingGradient } from './batch-norm-training.js';
import { bincount } from './bincount.js';
import * as complex from './complex.js';
import * as conv3d from './conv3d.js';
import * as convolution from './convolution.js';
import * as depthwise from './depthwise.js';
import * as dilation2d from './dilation2d.js';
import { dropoutKernel } from './dropout.js';
import { registerEarlyDisposal } from './early-disposal.js';
import { einsum } from './einsum.js';
import * as elementwise from './elementwise.js';
import { fft, ifft } from './fourier.js';
import { fusedConv2D, fusedDepthwiseConv2D } from './fused.js';
import { registerGradients } from './gradients.js';
import { registerLayers } from './layers.js';
import { registerLighterEngine } from './lighter-engine.js';
import { batchMatMul, fusedMatMul } from './mat-mul.js';
import { type NativePath, nativeOn, useNative, useNoNative, whyNotNative } from './native.js';
import { registerOptimizers } from './optimizers.js';
import { guard, type Kernel, override } from './override.js';
import * as pool from './pool.js';
import * as pool3d from './pool3d.js';
import { unsortedSegmentSum } from './segment-sum.js';
import { slice } from './slice.js';
import * as strings from './strings.js';
import { swish, swishGradient } from './swish.js';

/** Which code the training kernels run. */
export interface TrainingKernels {
  /**
   * `relaxed-simd` and `simd`: WebAssembly of this package, on TF.js's own memory; `composed`: ops of TF.js's wasm
   * backend, correct but slower.
   */
  path: KernelPath;
  /** Why a faster path does not run. */
  reason?: string;
}

export type KernelPath = NativePath | 'composed';

export interface TrainingKernelsOptions {
  /**
   * A path to use instead of the fastest: for measurements, or to find out which path has a fault.
   * @default the fastest path that runs here
   */
  path?: KernelPath;
  /**
   * Address of the `training*.wasm` binaries, or the binaries themselves.
   * @default the files in this package
   */
  assets?: Assets;
}

/**
 * Adds to TF.js's `wasm` backend what the training of convolutional networks needs: `Conv2DBackpropFilter`
 * (tensorflow/tfjs#8474) and the gradients of depthwise convolutions, for any batch, size, stride, padding and number of
 * channels. Other backends do not change. You may call this before or after the backend starts. The kernels work as
 * soon as the call returns its promise; at first they are composed of ops of the backend. When the promise resolves, the
 * SIMD code runs, if the engine has SIMD and this TF.js exposes its memory. Calling again without options changes
 * nothing.
 *
 * @returns The path that runs.
 * @throws FerError `WASM_UNREACHABLE` when `assets` names a binary that is not found.
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
  const started = new WeakSet<object>();
  const setup = (backend: unknown) => {
    // TF.js calls this for each kernel of a backend that starts.
    if (started.has(backend as object)) return;
    started.add(backend as object);
    registerTheRest();
  };
  for (const [name, kernel] of Object.entries(MISSING)) override(name, kernel, setup);
  registerTheRest();

  if (wanted !== undefined) useNoNative();
  if (wanted === 'composed') return { path: wanted, reason: 'asked for' };
  try {
    const backend = tf.engine().registry.wasm;
    const path = await useNative(backend, wanted, assets);
    if (backend === undefined || nativeOn(backend) !== null) return { path };
    return { path: 'composed', reason: whyNotNative(backend) };
  } catch (error) {
    // A binary that was named must not be replaced silently by slower code.
    if (assets !== undefined) throw error;
    return { path: 'composed', reason: reasonOf(error) };
  }
}

/** Kernels that TF.js's wasm backend lacks. */
const MISSING: Record<string, Kernel> = {
  Conv2DBackpropFilter: convolution.conv2DBackpropFilter,
  DepthwiseConv2dNativeBackpropFilter: depthwise.depthwiseBackpropFilter,
  DepthwiseConv2dNativeBackpropInput: depthwise.depthwiseBackpropInput,
  UnsortedSegmentSum: unsortedSegmentSum,
  Einsum: einsum,
  Complex: complex.complex,
  Real: complex.real,
  Imag: complex.imag,
  ComplexAbs: complex.complexAbs,
  FFT: fft,
  IFFT: ifft,
  FerReluGradient: elementwise.reluGradient,
  FerClipGradient: elementwise.clipGradient,
  FerBatchNormGradient: batchNormGradientKernel,
  FerBatchNormTraining: batchNormTraining,
  FerBatchNormTrainingGradient: batchNormTrainingGradient,
  FerSwish: swish,
  FerSwishGradient: swishGradient,
  FerDropout: dropoutKernel,
};

/** Kernels that replace slow, faulty or too limited kernels of TF.js. */
const BETTER: Record<string, Kernel> = {
  Conv2D: convolution.conv2D,
  Conv2DBackpropInput: convolution.conv2DBackpropInput,
  DepthwiseConv2dNative: depthwise.depthwiseConv2D,
  FusedConv2D: fusedConv2D,
  FusedDepthwiseConv2D: fusedDepthwiseConv2D,
  Conv3D: conv3d.conv3D,
  Conv3DBackpropFilterV2: conv3d.conv3DBackpropFilter,
  Conv3DBackpropInputV2: conv3d.conv3DBackpropInput,
  BatchMatMul: batchMatMul,
  _FusedMatMul: fusedMatMul,
  FusedBatchNorm: fusedBatchNorm,
  MaxPool: pool.maxPool,
  MaxPoolGrad: pool.maxPoolGrad,
  AvgPool: pool.avgPool,
  AvgPoolGrad: pool.avgPoolGrad,
  MaxPool3D: pool3d.maxPool3D,
  MaxPool3DGrad: pool3d.maxPool3DGrad,
  AvgPool3D: pool3d.avgPool3D,
  AvgPool3DGrad: pool3d.avgPool3DGrad,
  Dilation2D: dilation2d.dilation2D,
  Dilation2DBackpropInput: dilation2d.dilation2DBackpropInput,
  Dilation2DBackpropFilter: dilation2d.dilation2DBackpropFilter,
  Add: elementwise.add,
  Relu: elementwise.relu,
  Relu6: elementwise.relu6,
  Sub: complex.byParts,
  Multiply: complex.multiplyComplex,
  Neg: complex.byParts,
  Sum: elementwise.sum,
  Mean: elementwise.mean,
  ClipByValue: elementwise.clipByValue,
  Prelu: elementwise.prelu,
  Identity: elementwise.identity,
  Bincount: bincount,
  Cast: complex.cast,
  OnesLike: complex.onesLike,
  ZerosLike: complex.byParts,
  Slice: slice,
  StridedSlice: complex.byParts,
  SplitV: complex.byParts,
  Concat: complex.byParts,
  Pack: complex.byParts,
  Unpack: complex.byParts,
  Transpose: complex.byParts,
  Reverse: complex.byParts,
  PadV2: complex.byParts,
  Tile: strings.tile,
  Fill: strings.fill,
  SparseToDense: strings.sparseToDense,
  Equal: strings.compare,
  NotEqual: strings.compare,
  Less: strings.compare,
  LessEqual: strings.compare,
  Greater: strings.compare,
  GreaterEqual: strings.compare,
  GatherV2: complex.byParts,
};

/**
 * Work that needs TF.js's wasm package and gradients. They may be imported after the first call; then this runs when the
 * backend starts and sets up our first kernel.
 */
function registerTheRest(): void {
  for (const [name, kernel] of Object.entries(BETTER)) {
    if (tf.getKernel(name, 'wasm') !== undefined) override(name, kernel);
  }
  for (const { kernelName } of tf.getKernelsForBackend('wasm')) {
    if (!(kernelName in MISSING) && !(kernelName in BETTER)) guard(kernelName);
  }
  registerGradients();
  registerOptimizers();
  registerLayers();
  registerLighterEngine();
  registerEarlyDisposal();
}

const checkOptions = optionsOf<TrainingKernelsOptions>('registerTrainingKernels', () => ({
  path: oneOf('relaxed-simd', 'simd', 'composed'),
  assets: assetsRule,
}));
