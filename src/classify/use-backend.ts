import { describeInput } from '../describe-input.js';
import { FerError, reasonOf } from '../errors.js';
import { loadedTfjs, loadTfjs } from '../load-tfjs.js';
import { callback, optionsOf, text } from '../options.js';
import { type Assets, assetsRule } from '../platform/assets.js';
import type { Backend, BackendFactory, BackendName, BackendOptions } from './backend.js';
import { simdBackend } from './simd-backend.js';

/**
 * Starts a backend and makes it the one that `classify`, `train` and `evaluate` run on. A backend of TF.js becomes TF.js's
 * current backend too; for `simd`, that is `wasm`, started when something needs tensors. Without a call, backends start at
 * first use: `simd` to classify, `wasm` for all else; where one fails, the next of `simd`, `wasm`, `cpu`, with a warning.
 *
 * @returns When the backend is ready.
 * @throws FerError `BACKEND_UNKNOWN`; `PACKAGE_MISSING` for an optional one not installed; `BACKEND_UNAVAILABLE` for one
 * that does not start here; `WASM_UNREACHABLE` when the binary of `wasm` is not found. The backend in use stays.
 * @example
 * await useBackend('cpu');
 * @example
 * await useBackend('wasm', { assets: '/static/fer-dcnn/' });
 */
export async function useBackend(name: BackendName | (string & {}), options: BackendOptions = {}): Promise<void> {
  checkBackendName(name);
  // A backend of the caller's own may take options of its own.
  if (name === 'simd' || TFJS_BACKENDS.includes(name)) checkOptions(options);
  const { options: before } = started.get(name) ?? {};
  if (before !== undefined && name !== 'simd' && !sameOptions(options, before)) {
    throw new FerError(
      'OPTION',
      `backend '${name}' runs with other options already: call useBackend('${name}', options) before anything uses it`,
    );
  }
  const backend = await startBackend(name, options);
  // The network's own WebAssembly needs no tensors.
  if (name !== 'simd' || loadedTfjs() !== undefined) await (await loadTfjs()).makeCurrent(backend, options);
  // The same again is the same choice: what runs on it goes on.
  if (chosen?.name !== name || chosen.options.assets !== options.assets) chosen = { name, backend, options };
}

/**
 * Adds a backend of your own, to be chosen by `useBackend(name)` or `createClassifier({ backend: name })`.
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

/** @throws FerError `BACKEND_UNKNOWN`, listing the names that there are. */
export function checkBackendName(name: string): void {
  if (!isBackendName(name)) {
    const own = [...factories.keys()].filter((key) => key !== 'simd');
    const names = ['simd', ...TFJS_BACKENDS, ...own].join(', ');
    const given = typeof name === 'string' ? `'${name}'` : describeInput(name);
    throw new FerError('BACKEND_UNKNOWN', `no backend is named ${given}: there are ${names}`);
  }
}

/** Whether a backend of that name comes with the library or was registered. */
export function isBackendName(name: string): boolean {
  return factories.has(name) || TFJS_BACKENDS.includes(name);
}

/** Starts a backend, once, without making it the current one. */
export async function startBackend(name: string, options: BackendOptions = {}): Promise<Backend> {
  checkBackendName(name);
  // One of its own: its binaries are no concern of others.
  if (name === 'simd' && options.assets !== undefined) return makeAndStart(name, options);
  let starting = started.get(name)?.backend;
  if (starting === undefined) {
    starting = makeAndStart(name, options);
    started.set(name, { backend: starting, options });
    // One that failed may be tried again, with other options.
    starting.catch(() => started.delete(name));
  }
  return starting;
}

/** The backend that `useBackend` chose last, if it was called, and the options it was given. */
export function chosenBackend(): ChosenBackend | undefined {
  return chosen;
}

export interface ChosenBackend {
  /** As it was asked for. */
  name: string;
  backend: Backend;
  options: BackendOptions;
}

/** The backend to classify on: the one chosen by `useBackend`, else `simd`, else what all else runs on. */
export async function classifyingBackend(assets?: Assets): Promise<Backend> {
  if (chosen !== undefined && (assets === undefined || chosen.name !== 'simd')) return chosen.backend;
  // What was named and is not there is an error.
  if (assets !== undefined) return startBackend('simd', { assets });
  try {
    return await startBackend('simd');
  } catch (error) {
    const backend = await (await loadTfjs()).currentBackend();
    // Of `cpu` there has been a warning already, for the same reason.
    if (!warned && backend.name !== 'cpu') {
      console.warn(`fer-dcnn: backend 'simd' cannot be used, falling back to '${backend.name}'. ${reasonOf(error)}`);
    }
    warned = true;
    return backend;
  }
}

/** Backends that TF.js runs; the last three need a package of their own. */
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
  // Who asks for it later goes by its own name.
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

/** Whether no option that is given differs from those that a backend was started with. */
function sameOptions(given: BackendOptions, before: BackendOptions): boolean {
  const known = before as Record<string, unknown>;
  return Object.entries(given).every(
    ([key, value]) => value === undefined || value === known[key] || shallow(value) === shallow(known[key]),
  );
}

/** Addresses as text; anything else is the same only as itself. */
function shallow(value: unknown): unknown {
  return typeof value === 'string' || value instanceof URL ? String(value) : value;
}
