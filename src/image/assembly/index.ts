export { changeLevels, warp } from './augment';
export { localContrast } from './contrast';
export { resampleRows } from './resample';
