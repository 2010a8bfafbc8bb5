/** Classification alone, on the network's own WebAssembly: no TF.js anywhere. */
export type { Classifier, ClassifyOptions, Prediction } from './classify/classifier.js';
export { classify } from './classify/classify-lite.js';
export { type CreateClassifierOptions, createClassifier } from './classify/create-classifier-lite.js';
export { EMOTIONS, type Emotion } from './emotions.js';
export { FerError, type FerErrorCode } from './errors.js';
export type { ImageInput, PixelTensor } from './image/input.js';
export type { Normalization } from './image/normalize.js';
export type { PixelImage } from './image/pixels.js';
export type { Box } from './image/resample.js';
export type { WasmSource } from './network/network-module.js';
export type { ImageLimits } from './platform/image-limits.js';
