import { importBackend, startTfjs } from './start-tfjs.js';
import type { Backend } from './types.js';

/** TF.js on the graphics card by WebGPU; needs the package `@tensorflow/tfjs-backend-webgpu`. */
export function webgpuBackend(): Backend {
  return {
    name: 'webgpu',
    async start() {
      const packageName = '@tensorflow/tfjs-backend-webgpu';
      await importBackend('webgpu', packageName, () =>
        // esbuild lets a package be absent only where that is caught; the caller tells what to install.
        import(/* webpackIgnore: true */ '@tensorflow/tfjs-backend-webgpu').catch((error) => {
          throw error;
        }),
      );
      await startTfjs('webgpu');
    },
  };
}
