import type { Backend } from '../../classify/backend.js';
import { importBackend, startTfjs } from './start-tfjs.js';

/** TF.js on the graphics card by WebGL; needs the package `@tensorflow/tfjs-backend-webgl`. */
export function webglBackend(): Backend {
  return {
    name: 'webgl',
    async start() {
      // The variable hides the import from bundlers: the package may not be installed.
      const packageName = '@tensorflow/tfjs-backend-webgl';
      await importBackend('webgl', packageName, () => import(/* @vite-ignore */ /* webpackIgnore: true */ packageName));
      await startTfjs('webgl');
    },
  };
}
