/** Classification alone, on the network's own WebAssembly: no TF.js anywhere. */
export type { Classifier, ClassifyOptions, Prediction } from '../classify/classifier.js';
export { EMOTIONS, type Emotion } from '../emotions.js';
export { FerError, type FerErrorCode } from '../errors.js';
export type { ImageLimits } from '../image/image-limits.js';
export type { ImageInput, PixelTensor } from '../image/input.js';
export type { Normalization } from '../image/normalize.js';
export type { PixelImage } from '../image/pixels.js';
export type { Box } from '../image/resample.js';
export { classify } from './classify.js';
export { type CreateClassifierOptions, createClassifier } from './create-classifier.js';
export type { WasmSource } from './network-module.js';
