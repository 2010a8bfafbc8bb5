export { localContrast } from './contrast';
export { resampleRows } from './resample';
