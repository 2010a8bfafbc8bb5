export {
  type FolderFile,
  type FolderSample,
  type ImageFolder,
  type ImageFolderOptions,
  imageFolder,
} from './image-folder.js';
export { type FolderSplit, type SplitFolderOptions, type SplitRatio, splitFolder } from './split-folder.js';
