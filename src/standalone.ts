/**
 * The entry for pages without a bundler: everything of `fer-dcnn`, `/weights` and `/kernels`. The browser build contains TF.js;
 * `tf` and `layers` are this TF.js, whose tensors and models the other functions accept.
 */

export * as tf from '@tensorflow/tfjs-core';
export * as layers from '@tensorflow/tfjs-layers';
export * from './index.js';
export * from './kernels.js';
export * from './weights.js';
