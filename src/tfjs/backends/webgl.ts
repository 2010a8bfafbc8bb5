import { importBackend, startTfjs } from './start-tfjs.js';
import type { Backend } from './types.js';

/** TF.js on the graphics card by WebGL; needs the package `@tensorflow/tfjs-backend-webgl`. */
export function webglBackend(): Backend {
  return {
    name: 'webgl',
    async start() {
      const packageName = '@tensorflow/tfjs-backend-webgl';
      await importBackend('webgl', packageName, () =>
        // esbuild lets a package be absent only where that is caught; the caller tells what to install.
        import(/* webpackIgnore: true */ '@tensorflow/tfjs-backend-webgl').catch((error) => {
          throw error;
        }),
      );
      await startTfjs('webgl');
    },
  };
}
