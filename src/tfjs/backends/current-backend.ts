import * as tf from '@tensorflow/tfjs-core';
import type { Backend, BackendOptions } from '../../classify/backend.js';
import { chosenBackend, isBackendName, startBackend } from '../../classify/use-backend.js';
import { reasonOf } from '../../errors.js';

/** The backend in use for tensors: the one that `useBackend` chose, else `wasm`, or `cpu` where it cannot be started. */
export async function currentBackend(): Promise<Backend> {
  const chosen = chosenBackend();
  // What was chosen before this wing was loaded.
  if (chosen !== undefined && chosen.backend !== current) await makeCurrent(chosen.backend, chosen.options);
  if (current !== undefined) return current;
  choosing ??= chooseBackend().finally(() => {
    choosing = undefined;
  });
  return choosing;
}

/** Puts TF.js on a started backend, or on what that computes tensors with. */
export async function makeCurrent(backend: Backend, options?: BackendOptions): Promise<void> {
  await startTensors(backend, options);
  await tf.setBackend(tfjsNameOf(backend));
  current = backend;
}

/** Starts what a backend computes tensors with, where that is a backend of its own (`wasm` for `simd`). */
export async function startTensors(backend: Backend, options: BackendOptions = {}): Promise<void> {
  const name = tfjsNameOf(backend);
  if (name !== backend.name && isBackendName(name)) await startBackend(name, options);
}

/**
 * Runs synchronous TF.js code on a backend that has been started, whatever TF.js's current one is, and leaves that as
 * it was.
 */
export function runOn<T>(backend: Backend, work: () => T): T {
  const name = tfjsNameOf(backend);
  const before = tf.engine().backendName;
  if (before === name) return work();
  // For a backend that has been started, setBackend has done all before it returns its promise.
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
  // A program that has put TF.js on another backend than `cpu` means it; `cpu` is also what TF.js takes by itself.
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
