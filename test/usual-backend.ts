import { beforeAll } from 'vitest';
import { chosenBackend, useBackend } from '../src/classify/use-backend.js';
import { loadedTfjs, loadTfjs } from '../src/load-tfjs.js';

/*
 * For files that share a process: each begins on the usual backends, `simd` to classify and `wasm` for tensors, whatever the file
 * before it chose. A file that needs a process in which nothing is chosen or started is among those with a process of their own.
 */
beforeAll(async () => {
  // TF.js's engine, which it keeps there: the file, or one before it, imports TF.js.
  if ('_tfengine' in globalThis) await loadTfjs();
  if (chosenBackend() !== undefined || loadedTfjs() !== undefined) await useBackend('simd');
});
