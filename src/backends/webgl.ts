import { importBackend, startTfjs } from './start-tfjs.js';
import type { Backend } from './types.js';

/** TF.js on the graphics card by WebGL; needs the package `@tensorflow/tfjs-backend-webgl`. */
export function webglBackend(): Backend {
  return {
    name: 'webgl',
    async start() {
      const packageName = '@tensorflow/tfjs-backend-webgl';
      await importBackend(
        'webgl',
        packageName,
        () => import(/* webpackIgnore: true */ '@tensorflow/tfjs-backend-webgl'),
      );
      await startTfjs('webgl');
    },
  };
}
