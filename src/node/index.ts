export { type CheckFolderOptions, checkFolder, type DuplicateGroup, type FolderCheck } from './check-folder.js';
export {
  ClassifierPool,
  type ClassifierPoolOptions,
  type PoolClassifyOptions,
  type PoolImage,
  type PoolItem,
  type PoolProgress,
  type PoolResult,
} from './classifier-pool.js';
export type { Exclusion } from './exclusions.js';
export {
  type FolderFile,
  type FolderSample,
  type ImageFolder,
  type ImageFolderOptions,
  imageFolder,
} from './image-folder.js';
export { loadModel } from './load-model.js';
export { probeVideo, type VideoInfo } from './probe-video.js';
export { type RenderPlotOptions, renderPlot } from './render-plot.js';
export { type SaveModelOptions, saveModel } from './save-model.js';
export { type FolderSplit, type SplitFolderOptions, type SplitRatio, splitFolder } from './split-folder.js';
export { type ToOnnxOptions, toOnnx } from './to-onnx.js';
export { type VideoFrame, type VideoFramesOptions, videoFrames } from './video-frames.js';
