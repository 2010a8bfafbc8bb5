export { loadModel } from './load-model.js';
export { type SaveModelOptions, saveModel } from './save-model.js';
