import * as tf from '@tensorflow/tfjs-core';
import type { Backend, BackendOptions } from '../../classify/backend.js';
import { FerError, reasonOf } from '../../errors.js';
import { type Assets, readAssetBytes } from '../../platform/assets.js';
import { TFJS_BINARIES, type TfjsBinary, tfjsBinary } from '../assets.js';
import { registerTrainingKernels } from '../kernels/register.js';
import { importBackend, startTfjs } from './start-tfjs.js';

/** TF.js in WebAssembly (with SIMD where available), with the training kernels that it lacks. */
export function wasmBackend(options: BackendOptions): Backend {
  return {
    name: 'wasm',
    async start() {
      const packageName = '@tensorflow/tfjs-backend-wasm';
      await importBackend('wasm', packageName, () => import('@tensorflow/tfjs-backend-wasm'));
      if (tf.engine().registry.wasm === undefined) await startFromBytes(options.assets);
      await registerTrainingKernels({ assets: options.assets });
    },
  };
}

/**
 * Reads the binary, then lets TF.js "fetch" it from memory: a binary that is missing or damaged is reported before
 * TF.js sees it (TF.js would refuse every later path, or wait forever), and nothing is downloaded twice.
 */
async function startFromBytes(assets: Assets | undefined): Promise<void> {
  checkMayCompile();
  const name = await binaryName();
  const file = tfjsBinary(name);
  const bytes = await readAssetBytes(file, assets);

  const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
  // Any address works: the request is answered here.
  const address = `fer-dcnn:${name}`;
  const { platform } = tf.env();
  const fetchBefore = platform.fetch;
  platform.fetch = (path, init) =>
    path === address ? Promise.resolve(new Response(bytes)) : fetchBefore.call(platform, path, init);
  try {
    setWasmPaths(Object.fromEntries(TFJS_BINARIES.map((file) => [file, address])), true);
    await startTfjs('wasm');
  } finally {
    platform.fetch = fetchBefore;
  }
  // If a program imported TF.js's wasm package itself and has not chosen a backend, TF.js would choose this one, but
  // would create it again, from an address that it cannot read.
  if (!tf.engine().backendName) await tf.setBackend('wasm');
}

/** A page's Content-Security-Policy may forbid WebAssembly; TF.js would then wait forever. */
function checkMayCompile(): void {
  try {
    new WebAssembly.Module(EMPTY_MODULE);
  } catch (error) {
    throw new FerError(
      'BACKEND_UNAVAILABLE',
      `WebAssembly cannot be compiled here (${reasonOf(error)}): where a Content-Security-Policy forbids it, add ` +
        `'wasm-unsafe-eval' to its script-src`,
      { cause: error },
    );
  }
}

/** WebAssembly's magic number and version. */
const EMPTY_MODULE = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

async function binaryName(): Promise<TfjsBinary> {
  const env = tf.env();
  if (!(await env.getAsync('WASM_HAS_SIMD_SUPPORT'))) return 'tfjs-backend-wasm.wasm';
  const threads = await env.getAsync('WASM_HAS_MULTITHREAD_SUPPORT');
  return threads ? 'tfjs-backend-wasm-threaded-simd.wasm' : 'tfjs-backend-wasm-simd.wasm';
}
