import type { Backend } from '../../classify/backend.js';
import { importBackend, startTfjs } from './start-tfjs.js';

/** Native TensorFlow in Node; needs the package `@tensorflow/tfjs-node` (or `-gpu`, imported by the user). */
export function tensorflowBackend(): Backend {
  return {
    name: 'tensorflow',
    async start() {
      // The variable hides the import from bundlers: only Node can load this package.
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
