import { describeInput } from '../describe-input.js';
import { FerError, reasonOf } from '../errors.js';
import { loadedTfjs, loadTfjs } from '../load-tfjs.js';
import { callback, optionsOf, text } from '../options.js';
import { type Assets, assetsRule } from '../platform/assets.js';
import type { Backend, BackendFactory, BackendName, BackendOptions } from './backend.js';
import { simdBackend } from './simd-backend.js';

/**
 * Starts a backend and makes `classify`, `train` and `evaluate` use it. A backend of TF.js also becomes TF.js's current
 * backend; for `simd`, that is `wasm`, which starts when a function needs tensors. Without a call, backends start at first
 * use: `simd` to classify, `wasm` for everything else. If one fails, the next of `simd`, `wasm`, `cpu` starts, with a warning.
 *
 * @returns When the backend is ready.
 * @throws FerError `BACKEND_UNKNOWN`; `PACKAGE_MISSING` if an optional backend is not installed; `BACKEND_UNAVAILABLE` if it
 * does not start here; `WASM_UNREACHABLE` when the binary of `wasm` is not found. The current backend then does not change.
 * @example
 * await useBackend('cpu');
 * @example
 * await useBackend('wasm', { assets: '/static/fer-dcnn/' });
 */
export async function useBackend(name: BackendName | (string & {}), options: BackendOptions = {}): Promise<void> {
  checkBackendName(name);
  // A backend of the caller may have its own options.
  if (name === 'simd' || TFJS_BACKENDS.includes(name)) checkOptions(options);
  const { options: before } = started.get(name) ?? {};
  if (before !== undefined && name !== 'simd' && !sameOptions(options, before)) {
    throw new FerError(
      'OPTION',
      `backend '${name}' already runs with other options: call useBackend('${name}', options) before anything uses it`,
    );
  }
  const backend = await startBackend(name, options);
  // The network's own WebAssembly needs no tensors.
  if (name !== 'simd' || loadedTfjs() !== undefined) await (await loadTfjs()).makeCurrent(backend, options);
  // The same choice again: everything on it continues.
  if (chosen?.name !== name || chosen.options.assets !== options.assets) chosen = { name, backend, options };
}

/**
 * Registers your own backend for `useBackend(name)` or `createClassifier({ backend: name })`.
 *
 * @throws FerError `OPTION` when the name is taken.
 * @example
 * registerBackend('mine', () => ({ name: 'mine', tfjsName: 'cpu', start: async () => {} }));
 */
export function registerBackend(name: string, factory: BackendFactory): void {
  text(name, "the backend's name");
  callback(factory, "the backend's factory");
  if (isBackendName(name)) throw new FerError('OPTION', `a backend named '${name}' is registered already`);
  factories.set(name, factory);
}

/** @throws FerError `BACKEND_UNKNOWN`; the message lists the known names. */
export function checkBackendName(name: string): void {
  if (!isBackendName(name)) {
    const own = [...factories.keys()].filter((key) => key !== 'simd');
    const names = ['simd', ...TFJS_BACKENDS, ...own].join(', ');
    const given = typeof name === 'string' ? `'${name}'` : describeInput(name);
    throw new FerError('BACKEND_UNKNOWN', `unknown backend ${given}: known are ${names}`);
  }
}

/** Whether a backend with this name is built in or registered. */
export function isBackendName(name: string): boolean {
  return factories.has(name) || TFJS_BACKENDS.includes(name);
}

/** Starts a backend once, without making it current. */
export async function startBackend(name: string, options: BackendOptions = {}): Promise<Backend> {
  checkBackendName(name);
  // A separate instance, so that its binaries do not affect others.
  if (name === 'simd' && options.assets !== undefined) return makeAndStart(name, options);
  let starting = started.get(name)?.backend;
  if (starting === undefined) {
    starting = makeAndStart(name, options);
    started.set(name, { backend: starting, options });
    // A failed start may be tried again with other options.
    starting.catch(() => started.delete(name));
  }
  return starting;
}

/** The last choice of `useBackend`, if any, with its options. */
export function chosenBackend(): ChosenBackend | undefined {
  return chosen;
}

export interface ChosenBackend {
  /** The requested name. */
  name: string;
  backend: Backend;
  options: BackendOptions;
}

/** The backend for classification: the choice of `useBackend`, or else `simd`, or else the backend for tensors. */
export async function classifyingBackend(assets?: Assets): Promise<Backend> {
  if (chosen !== undefined && (assets === undefined || chosen.name !== 'simd')) return chosen.backend;
  // A named binary that is not found is an error.
  if (assets !== undefined) return startBackend('simd', { assets });
  try {
    return await startBackend('simd');
  } catch (error) {
    const backend = await (await loadTfjs()).currentBackend();
    // For `cpu`, a warning with the same reason was already printed.
    if (!warned && backend.name !== 'cpu') {
      console.warn(`fer-dcnn: backend 'simd' cannot be used, falling back to '${backend.name}'. ${reasonOf(error)}`);
    }
    warned = true;
    return backend;
  }
}

/** Backends of TF.js; the last three need another package. */
const TFJS_BACKENDS: readonly string[] = ['wasm', 'cpu', 'webgl', 'webgpu', 'tensorflow'];

const factories = new Map<string, BackendFactory>([['simd', simdBackend]]);
const started = new Map<string, { backend: Promise<Backend>; options: BackendOptions }>();
let chosen: ChosenBackend | undefined;
let warned = false;

async function makeAndStart(name: string, options: BackendOptions): Promise<Backend> {
  const factory = factories.get(name) ?? (await loadTfjs()).tfjsBackends[name];
  const backend = factory(options);
  if (typeof backend?.start !== 'function') {
    throw new FerError('OPTION', `the backend registered as '${name}' must be an object with a method start()`);
  }
  // Later lookups use the backend's own name.
  if (backend.name !== name) {
    throw new FerError(
      'OPTION',
      `the backend registered as '${name}' has another name, ${describeInput(backend.name)}`,
    );
  }
  await backend.start();
  return backend;
}

const checkOptions = optionsOf<BackendOptions>('useBackend', () => ({ assets: assetsRule }));

/** Whether all given options equal the options with which a backend was started. */
function sameOptions(given: BackendOptions, before: BackendOptions): boolean {
  const known = before as Record<string, unknown>;
  return Object.entries(given).every(
    ([key, value]) => value === undefined || value === known[key] || shallow(value) === shallow(known[key]),
  );
}

/** Compares addresses as text, and anything else by identity. */
function shallow(value: unknown): unknown {
  return typeof value === 'string' || value instanceof URL ? String(value) : value;
}
