import * as tf from '@tensorflow/tfjs-core';
import type { Backend, BackendOptions } from '../../classify/backend.js';
import { FerError, reasonOf } from '../../errors.js';
import { type Assets, readAssetBytes } from '../../platform/assets.js';
import { TFJS_BINARIES, type TfjsBinary, tfjsBinary } from '../assets.js';
import { registerTrainingKernels } from '../kernels/register.js';
import { importBackend, startTfjs } from './start-tfjs.js';

/** TF.js in WebAssembly (SIMD where there is any), with the kernels for training that it lacks. */
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
 * TF.js sees it (it would refuse every later path, or wait for ever), and nothing is downloaded twice.
 */
async function startFromBytes(assets: Assets | undefined): Promise<void> {
  checkMayCompile();
  const name = await binaryName();
  const file = tfjsBinary(name);
  const bytes = await readAssetBytes(file, assets);

  const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
  // Any address does: it is answered here.
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
  // A program that imported TF.js's wasm package itself may have no backend chosen yet: TF.js would take this one, but
  // would make it anew, from an address that it cannot read.
  if (!tf.engine().backendName) await tf.setBackend('wasm');
}

/** A page's Content-Security-Policy may forbid WebAssembly; TF.js would then wait for ever. */
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
