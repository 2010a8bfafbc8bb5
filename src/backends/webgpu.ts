import { importBackend, startTfjs } from './start-tfjs.js';
import type { Backend } from './types.js';

/** TF.js on the graphics card by WebGPU; needs the package `@tensorflow/tfjs-backend-webgpu`. */
export function webgpuBackend(): Backend {
  return {
    name: 'webgpu',
    async start() {
      const packageName = '@tensorflow/tfjs-backend-webgpu';
      await importBackend(
        'webgpu',
        packageName,
        () => import(/* webpackIgnore: true */ '@tensorflow/tfjs-backend-webgpu'),
      );
      await startTfjs('webgpu');
    },
  };
}
