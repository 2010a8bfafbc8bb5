/** Classification alone, on the network's own WebAssembly: no TF.js anywhere. */
export type { Classifier, ClassifyOptions } from './classify/classifier.js';
export { classify } from './classify/classify-lite.js';
export { type CreateClassifierOptions, createClassifier } from './classify/create-classifier-lite.js';
export type { Prediction } from './classify/prediction.js';
export { EMOTIONS, type Emotion } from './emotions.js';
export { FerError, type FerErrorCode } from './errors.js';
export type { Box } from './image/box.js';
export type { ImageInput, PixelTensor } from './image/input.js';
export type { Normalization } from './image/normalize.js';
export type { AssetSource, Assets } from './platform/assets.js';
export type { ImageLimits, PixelImage } from './runtime.js';
