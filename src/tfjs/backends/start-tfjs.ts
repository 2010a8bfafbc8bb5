import * as tf from '@tensorflow/tfjs-core';
import { FerError, reasonOf } from '../../errors.js';
import { registerCpu } from './register-cpu.js';

/**
 * Starts one of TF.js's registered backends without making it TF.js's current one. While `tf.setBackend` waits for a backend,
 * every other TF.js call in the program throws; so the backend is created here and passed on when it is ready.
 *
 * @throws FerError `BACKEND_UNAVAILABLE` when it is not registered or does not start on this machine.
 */
export async function startTfjs(name: string): Promise<void> {
  const factory = tf.findBackendFactory(name);
  if (factory === null) throw new FerError('BACKEND_UNAVAILABLE', `TF.js has no backend '${name}' registered`);
  const { registry } = tf.engine();
  if (registry[name] !== undefined) return;
  try {
    const instance = await factory();
    if (registry[name] === undefined) registry[name] = instance;
    else instance.dispose();
  } catch (error) {
    throw new FerError('BACKEND_UNAVAILABLE', `backend '${name}' does not start here: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

/**
 * Imports the package of an optional backend, unless it is already registered: a bundled application may have imported
 * it itself.
 *
 * @throws FerError `PACKAGE_MISSING` naming the package.
 */
export async function importBackend(name: string, packageName: string, load: () => Promise<unknown>): Promise<void> {
  if (tf.findBackendFactory(name) !== null) return;
  // TF.js chooses the best registered backend at its first use; a package imported later must not change that choice.
  registerCpu();
  await tf.ready();
  try {
    await load();
  } catch (error) {
    throw new FerError(
      'PACKAGE_MISSING',
      `backend '${name}' needs the package ${packageName}: npm install ${packageName}` +
        ` (with a bundler, also import it in your code) [${reasonOf(error)}]`,
      { cause: error },
    );
  }
}
