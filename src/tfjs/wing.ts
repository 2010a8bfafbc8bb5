/** The parts of this wing, and of TF.js, that are loaded at their first use: see `src/load-tfjs.ts`. */
export { tensor4d } from '@tensorflow/tfjs-core';
export { currentBackend, makeCurrent } from './backends/current-backend.js';
export { tfjsBackends } from './backends/tfjs-backends.js';
export { layersNetwork, pretrainedLayersNetwork } from './layers-network.js';
