export type { Backend, BackendFactory, BackendName, BackendOptions } from './classify/backend.js';
export type { ClassOffsets } from './classify/class-offsets.js';
export type { Classifier, ClassifyOptions } from './classify/classifier.js';
export { classify } from './classify/classify.js';
export { classifyFaces } from './classify/classify-faces.js';
export { type CreateClassifierOptions, createClassifier } from './classify/create-classifier.js';
export type { ClassifyFacesOptions, DetectedFace } from './classify/faces-on.js';
export type { Prediction, Predictions, PredictionsFor } from './classify/prediction.js';
export { registerBackend, useBackend } from './classify/use-backend.js';
export { EMOTIONS, type Emotion } from './emotions.js';
export { FerError, type FerErrorCode } from './errors.js';
export { type BlazeFaceOptions, blazeFaceDetector } from './faces/blaze-face.js';
export { type FaceApi, type FaceApiOptions, faceApiDetector } from './faces/face-api.js';
export { type NativeDetectorOptions, nativeDetector } from './faces/native.js';
export type { BuiltInDetector, Detection, FaceDetector, Framing, Keypoint } from './faces/types.js';
export type { Box } from './image/box.js';
export type { ImageInput, PixelTensor } from './image/input.js';
export type { Normalization } from './image/normalize.js';
export type { Sample } from './image/sample.js';
export type { Crop } from './image/straighten.js';
export type { ModelMetadata } from './network/model-metadata.js';
export type { Predictor } from './network/predictor.js';
export type { AssetSource, Assets } from './platform/assets.js';
export type { CheckpointStore, ImageLimits, PixelImage } from './runtime.js';
export { type EvaluateOptions, evaluate } from './tfjs/evaluate/evaluate.js';
export type { EvaluatedBatch } from './tfjs/evaluate/evaluate-rows.js';
export type { LabelledData, TensorData } from './tfjs/evaluate/labelled-data.js';
export type { CalibrationBin, ClassReport, EvaluationReport } from './tfjs/evaluate/metrics.js';
export { type PlotCalibrationOptions, plotCalibration } from './tfjs/evaluate/plot-calibration.js';
export { type PlotConfusionMatrixOptions, plotConfusionMatrix } from './tfjs/evaluate/plot-confusion-matrix.js';
export type { VegaLiteSpec } from './tfjs/evaluate/vega-lite-spec.js';
export { buildModel } from './tfjs/model/build-model.js';
export type { BuildModelOptions } from './tfjs/model/report-network.js';
export { summary } from './tfjs/model/summary.js';
export { type PreprocessOptions, preprocess } from './tfjs/preprocess.js';
export type { AugmentationName } from './tfjs/train/augment.js';
export { type AugmentOptions, REPORT_AUGMENTATION } from './tfjs/train/augment-options.js';
export { type PlotHistoryOptions, plotHistory } from './tfjs/train/plot-history.js';
export type { Sampling } from './tfjs/train/sampling.js';
export {
  type CosineScheduleOptions,
  cosineSchedule,
  type Schedule,
  type ScheduleName,
  type StepScheduleOptions,
  stepSchedule,
} from './tfjs/train/schedule.js';
export { train } from './tfjs/train/train.js';
export type { EpochFigures, TrainHistory, TrainResult } from './tfjs/train/train-history.js';
export type { EarlyStopping, Monitor, TrainCallbacks, TrainOptions } from './tfjs/train/train-options.js';
export { createTracker } from './track/create-tracker.js';
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
