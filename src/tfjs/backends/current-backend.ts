import * as tf from '@tensorflow/tfjs-core';
import type { Backend, BackendOptions } from '../../classify/backend.js';
import { chosenBackend, isBackendName, startBackend } from '../../classify/use-backend.js';
import { reasonOf } from '../../errors.js';

/** The backend in use for tensors: the choice of `useBackend`, or else `wasm`, or `cpu` if `wasm` does not start. */
export async function currentBackend(): Promise<Backend> {
  const chosen = chosenBackend();
  // The choice before this part of the package was loaded.
  if (chosen !== undefined && chosen.backend !== current) await makeCurrent(chosen.backend, chosen.options);
  if (current !== undefined) return current;
  choosing ??= chooseBackend().finally(() => {
    choosing = undefined;
  });
  return choosing;
}

/** Makes TF.js use a started backend, or the backend on which it computes tensors. */
export async function makeCurrent(backend: Backend, options?: BackendOptions): Promise<void> {
  await startTensors(backend, options);
  await tf.setBackend(tfjsNameOf(backend));
  current = backend;
}

/** Starts the backend on which another one computes tensors (`wasm` for `simd`). */
export async function startTensors(backend: Backend, options: BackendOptions = {}): Promise<void> {
  const name = tfjsNameOf(backend);
  if (name !== backend.name && isBackendName(name)) await startBackend(name, options);
}

/**
 * Runs synchronous TF.js code on a started backend, and afterwards restores TF.js's current backend.
 */
export function runOn<T>(backend: Backend, work: () => T): T {
  const name = tfjsNameOf(backend);
  const before = tf.engine().backendName;
  if (before === name) return work();
  // For a started backend, setBackend finishes its work before it returns its promise.
  void tf.setBackend(name);
  try {
    return work();
  } finally {
    void tf.setBackend(before);
  }
}

let current: Backend | undefined;
let choosing: Promise<Backend> | undefined;

function tfjsNameOf(backend: Backend): string {
  return backend.tfjsName ?? backend.name;
}

async function chooseBackend(): Promise<Backend> {
  // If a program set TF.js to a backend other than `cpu`, keep it; `cpu` may also be TF.js's own default.
  const taken = tf.engine().backendName;
  const wanted = taken && taken !== 'cpu' && isBackendName(taken) ? taken : 'wasm';
  try {
    await makeCurrent(await startBackend(wanted));
  } catch (error) {
    if (current === undefined) {
      console.warn(
        `fer-dcnn: backend '${wanted}' cannot be used, falling back to 'cpu', which is slower. ${reasonOf(error)}`,
      );
      await makeCurrent(await startBackend('cpu'));
    }
  }
  return current!;
}
