import type { Backend } from '../../classify/backend.js';
import { importBackend, startTfjs } from './start-tfjs.js';

/** Native TensorFlow in Node; needs the package `@tensorflow/tfjs-node` (or `-gpu`, imported by the user). */
export function tensorflowBackend(): Backend {
  return {
    name: 'tensorflow',
    async start() {
      // A variable keeps bundlers from following a package that only Node can load.
      const packageName = '@tensorflow/tfjs-node';
      await importBackend(
        'tensorflow',
        packageName,
        () => import(/* @vite-ignore */ /* webpackIgnore: true */ packageName),
      );
      await startTfjs('tensorflow');
    },
  };
}
