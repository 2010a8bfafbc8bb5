import type { Backend } from '../../classify/backend.js';
import { importBackend, startTfjs } from './start-tfjs.js';

/** TF.js on the graphics card by WebGPU; needs the package `@tensorflow/tfjs-backend-webgpu`. */
export function webgpuBackend(): Backend {
  return {
    name: 'webgpu',
    async start() {
      // The variable hides the import from bundlers: the package may not be installed.
      const packageName = '@tensorflow/tfjs-backend-webgpu';
      await importBackend(
        'webgpu',
        packageName,
        () => import(/* @vite-ignore */ /* webpackIgnore: true */ packageName),
      );
      await startTfjs('webgpu');
    },
  };
}
