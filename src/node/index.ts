export {
  type FolderFile,
  type FolderSample,
  type ImageFolder,
  type ImageFolderOptions,
  imageFolder,
} from './image-folder.js';
export { loadModel } from './load-model.js';
export { type SaveModelOptions, saveModel } from './save-model.js';
export { type FolderSplit, type SplitFolderOptions, type SplitRatio, splitFolder } from './split-folder.js';
