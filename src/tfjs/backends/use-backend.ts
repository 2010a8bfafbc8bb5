import * as tf from '@tensorflow/tfjs-core';
import { FerError, reasonOf } from '../../errors.js';
import { cpuBackend } from './cpu.js';
import { simdBackend } from './simd.js';
import { tensorflowBackend } from './tensorflow.js';
import type { Backend, BackendFactory, BackendName, BackendOptions } from './types.js';
import { wasmBackend } from './wasm.js';
import { webglBackend } from './webgl.js';
import { webgpuBackend } from './webgpu.js';

const factories = new Map<string, BackendFactory>([
  ['simd', simdBackend],
  ['wasm', wasmBackend],
  ['cpu', cpuBackend],
  ['webgl', webglBackend],
  ['webgpu', webgpuBackend],
  ['tensorflow', tensorflowBackend],
]);

/**
 * Starts a backend and makes it the one that `classify`, `train` and `evaluate` run on; it (or, for `simd`, `wasm`)
 * becomes TF.js's current backend too. Without a call, backends are started at first use: `simd` to classify, `wasm`
 * for all else; where one fails, the next of `simd`, `wasm`, `cpu`, with a warning.
 *
 * @returns When the backend is ready.
 * @throws FerError `BACKEND_UNKNOWN`; `PACKAGE_MISSING` for an optional one not installed; `BACKEND_UNAVAILABLE` for one
 * that does not start here; `WASM_UNREACHABLE` when the binary of `wasm` is not found. The backend in use stays.
 * @example
 * await useBackend('cpu');
 * @example
 * await useBackend('wasm', { wasmPaths: '/assets/wasm/' });
 */
export async function useBackend(name: BackendName | (string & {}), options: BackendOptions = {}): Promise<void> {
  const backend = await startBackend(name, options);
  await take(backend, options);
  chosen = backend;
}

/**
 * Adds a backend of one's own, to be chosen by `useBackend(name)` or `createClassifier({ backend: name })`.
 *
 * @throws FerError `OPTION` when the name is taken.
 * @example
 * registerBackend('mine', () => ({ name: 'mine', tfjsName: 'cpu', start: async () => {} }));
 */
export function registerBackend(name: string, factory: BackendFactory): void {
  if (factories.has(name)) throw new FerError('OPTION', `a backend named '${name}' is registered already`);
  factories.set(name, factory);
}

/** @throws FerError `BACKEND_UNKNOWN`, listing the names that there are. */
export function checkBackendName(name: string): void {
  if (!factories.has(name)) {
    const names = [...factories.keys()].join(', ');
    throw new FerError('BACKEND_UNKNOWN', `no backend is named '${name}': there are ${names}`);
  }
}

/** Starts a backend, once, without making it the current one. */
export async function startBackend(name: string, options: BackendOptions = {}): Promise<Backend> {
  checkBackendName(name);
  let starting = started.get(name);
  if (starting === undefined) {
    const backend = factories.get(name)!(options);
    starting = backend.start().then(() => backend);
    started.set(name, starting);
    // One that failed may be tried again, with other options.
    starting.catch(() => started.delete(name));
  }
  return starting;
}

/** Starts what a backend computes tensors with, where that is a backend of its own (`wasm` for `simd`). */
export async function startTensors(backend: Backend, options: BackendOptions = {}): Promise<void> {
  const name = tfjsNameOf(backend);
  if (name !== backend.name && factories.has(name)) await startBackend(name, options);
}

/** The name of the backend that `useBackend` chose last, if it was called. */
export function chosenBackend(): string | undefined {
  return chosen?.name;
}

/** The backend to classify on: the one chosen by `useBackend`, else `simd`, else what all else runs on. */
export async function classifyingBackend(): Promise<Backend> {
  if (chosen !== undefined) return chosen;
  try {
    return await startBackend('simd');
  } catch (error) {
    const backend = await currentBackend();
    // Of `cpu` there has been a warning already, for the same reason.
    if (!warned && backend.name !== 'cpu') {
      console.warn(`fer-dcnn: backend 'simd' cannot be used, falling back to '${backend.name}'. ${reasonOf(error)}`);
    }
    warned = true;
    return backend;
  }
}

/** The backend in use for tensors; at first use `wasm` is started, or `cpu` where it cannot be. */
export async function currentBackend(): Promise<Backend> {
  if (current !== undefined) return current;
  choosing ??= chooseBackend().finally(() => {
    choosing = undefined;
  });
  return choosing;
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

// --- below this line: helpers of this file alone ---

const started = new Map<string, Promise<Backend>>();
/** The one that the user asked for. */
let chosen: Backend | undefined;
/** That one, or the one that was taken for want of a choice. */
let current: Backend | undefined;
let warned = false;
let choosing: Promise<Backend> | undefined;

function tfjsNameOf(backend: Backend): string {
  return backend.tfjsName ?? backend.name;
}

async function take(backend: Backend, options?: BackendOptions): Promise<void> {
  await startTensors(backend, options);
  await tf.setBackend(tfjsNameOf(backend));
  current = backend;
}

async function chooseBackend(): Promise<Backend> {
  // A program that has put TF.js on another backend than `cpu` means it; `cpu` is also what TF.js takes by itself.
  const taken = tf.engine().backendName;
  const wanted = taken && taken !== 'cpu' && factories.has(taken) ? taken : 'wasm';
  try {
    await take(await startBackend(wanted));
  } catch (error) {
    if (current === undefined) {
      console.warn(
        `fer-dcnn: backend '${wanted}' cannot be used, falling back to 'cpu', which is slower. ${reasonOf(error)}`,
      );
      await take(await startBackend('cpu'));
    }
  }
  return current!;
}
