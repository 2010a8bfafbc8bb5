export { type CheckFolderOptions, checkFolder, type FolderCheck } from './folders/check-folder.js';
export type { Exclusion } from './folders/exclusions.js';
export type { DuplicateGroup } from './folders/group-duplicates.js';
export { type ImageFolderOptions, imageFolder } from './folders/image-folder.js';
export type { FolderFile, FolderSample, ImageFolder, UnmatchedEntry } from './folders/labelled-files.js';
export { loadModel } from './folders/load-model.js';
export { type Dataset, type OpenDatasetOptions, openDataset } from './folders/open-dataset.js';
export { type SaveModelOptions, saveModel } from './folders/save-model.js';
export { type FolderSplit, type SplitFolderOptions, type SplitRatio, splitFolder } from './folders/split-folder.js';
export type { LeftOut } from './folders/walk-images.js';
export { type ToOnnxOptions, toOnnx } from './onnx/to-onnx.js';
export {
  ClassifierPool,
  type ClassifierPoolOptions,
  type PoolClassifyOptions,
  type PoolProgress,
} from './pool/classifier-pool.js';
export type { PoolFacesOptions, PoolImage, PoolItem, PoolResult } from './pool/pool-item.js';
export { type RenderPlotOptions, renderPlot } from './report/render-plot.js';
export { type ProbeVideoOptions, probeVideo, type VideoInfo } from './video/probe-video.js';
export { type VideoFrame, type VideoFramesOptions, videoFrames } from './video/video-frames.js';
