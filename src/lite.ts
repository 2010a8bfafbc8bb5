/** The parts that recognise, in this package's own WebAssembly, without TF.js. */
export type { ClassOffsets } from './classify/class-offsets.js';
export type { Classifier, ClassifyOptions } from './classify/classifier.js';
export { classifyFaces } from './classify/classify-faces-lite.js';
export { classify } from './classify/classify-lite.js';
export { type CreateClassifierOptions, createClassifier } from './classify/create-classifier-lite.js';
export type { ClassifyFacesOptions, DetectedFace } from './classify/faces-on.js';
export type { Prediction, Predictions, PredictionsFor } from './classify/prediction.js';
export { EMOTIONS, type Emotion } from './emotions.js';
export { FerError, type FerErrorCode } from './errors.js';
export { type BlazeFaceOptions, blazeFaceDetector } from './faces/blaze-face.js';
export { type NativeDetectorOptions, nativeDetector } from './faces/native.js';
export type { BuiltInDetector, Detection, FaceDetector, Framing, Keypoint } from './faces/types.js';
export type { Box } from './image/box.js';
export type { ImageInput, PixelTensor } from './image/input.js';
export type { Normalization } from './image/normalize.js';
export type { Crop } from './image/straighten.js';
export type { AssetSource, Assets } from './platform/assets.js';
export type { ImageLimits, PixelImage } from './runtime.js';
export { createTracker } from './track/create-tracker-lite.js';
export { STATE_CSV_HEADER, stateCsvHeader, stateToCsv } from './track/state-to-csv.js';
export type { EmotionShare, Episode, FaceSummary, TrackSummary } from './track/summary.js';
export { summaryToCsv } from './track/summary-to-csv.js';
export { summaryToJson } from './track/summary-to-json.js';
export type { CreateTrackerOptions } from './track/tracker-of.js';
export type {
  ChangeDetail,
  FoundDetail,
  LostDetail,
  SeenFace,
  TrackedFace,
  Tracker,
  TrackerEventMap,
  TrackerFrame,
  TrackState,
} from './track/types.js';
