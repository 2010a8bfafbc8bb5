export type { Backend, BackendFactory, BackendName, BackendOptions, Predictor } from './backends/types.js';
export { registerBackend, useBackend } from './backends/use-backend.js';
export type { Classifier, ClassifyOptions, Prediction } from './classify/classifier.js';
export { classify } from './classify/classify.js';
export { type ClassifyFacesOptions, classifyFaces, type DetectedFace } from './classify/classify-faces.js';
export { type CreateClassifierOptions, createClassifier } from './classify/create-classifier.js';
export { type BlazeFaceOptions, blazeFaceDetector } from './detectors/blaze-face.js';
export { type FaceApi, type FaceApiOptions, faceApiDetector } from './detectors/face-api.js';
export { type NativeDetectorOptions, nativeDetector } from './detectors/native.js';
export type { BuiltInDetector, Detection, FaceDetector, Framing, Keypoint } from './detectors/types.js';
export { EMOTIONS, type Emotion } from './emotions.js';
export { FerError, type FerErrorCode } from './errors.js';
export { type EvaluatedBatch, type EvaluateOptions, evaluate } from './evaluate/evaluate.js';
export type { LabelledData, TensorData } from './evaluate/labelled-data.js';
export type { CalibrationBin, ClassReport, EvaluationReport } from './evaluate/metrics.js';
export { type PlotCalibrationOptions, plotCalibration } from './evaluate/plot-calibration.js';
export { type PlotConfusionMatrixOptions, plotConfusionMatrix } from './evaluate/plot-confusion-matrix.js';
export { type PlotHistoryOptions, plotHistory } from './evaluate/plot-history.js';
export type { VegaLiteSpec } from './evaluate/vega-lite-spec.js';
export type { ImageLimits } from './image/image-limits.js';
export type { ImageInput, PixelTensor } from './image/input.js';
export type { Normalization } from './image/normalize.js';
export type { PixelImage } from './image/pixels.js';
export { type PreprocessOptions, preprocess } from './image/preprocess.js';
export type { Box } from './image/resample.js';
export type { Sample } from './image/sample.js';
export type { Crop } from './image/straighten.js';
export { type BuildModelOptions, buildModel } from './model/build-model.js';
export type { ModelMetadata } from './model/metadata.js';
export { summary } from './model/summary.js';
export { type CreateTrackerOptions, createTracker } from './track/create-tracker.js';
export { STATE_CSV_HEADER, stateToCsv } from './track/state-to-csv.js';
export type { EmotionShare, Episode, FaceSummary, TrackSummary } from './track/summary.js';
export { summaryToCsv } from './track/summary-to-csv.js';
export { summaryToJson } from './track/summary-to-json.js';
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
export { type AugmentOptions, REPORT_AUGMENTATION } from './train/augment.js';
export type { CheckpointStore } from './train/checkpoint.js';
export type { Sampling } from './train/sampling.js';
export {
  type CosineScheduleOptions,
  cosineSchedule,
  type Schedule,
  type StepScheduleOptions,
  stepSchedule,
} from './train/schedule.js';
export { train } from './train/train.js';
export type { EpochFigures, TrainHistory, TrainResult } from './train/train-history.js';
export type { EarlyStopping, Monitor, TrainCallbacks, TrainOptions } from './train/train-options.js';
