/** What a page without a bundler imports: all of `fer-dcnn`, `/weights` and `/kernels`, with TF.js inside. */
export * from './index.js';
export * from './kernels/index.js';
export * from './weights/index.js';
