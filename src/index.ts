export { EMOTIONS, type Emotion } from './emotions.js';
export { FerError, type FerErrorCode } from './errors.js';
