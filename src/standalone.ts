/**
 * What a page without a bundler imports: all of `fer-dcnn`, `/weights` and `/kernels`. In the browser's build TF.js is
 * inside; `tf` and `layers` are that very TF.js, whose tensors and models the rest takes.
 */

export * as tf from '@tensorflow/tfjs-core';
export * as layers from '@tensorflow/tfjs-layers';
export * from './index.js';
export * from './kernels.js';
export * from './weights.js';
