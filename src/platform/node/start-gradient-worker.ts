import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Thread } from '../../runtime.js';

/** Starts a thread of Node that computes gradients; it runs the built file, even when running from the sources. CommonJS: see scripts/esm-to-cjs.mjs. */
export function startGradientWorker(): Thread {
  const manifest = createRequire(import.meta.url).resolve('fer-dcnn/package.json');
  const worker = new Worker(join(dirname(manifest), 'dist/node/gradient-worker.cjs'), {
    // Not this process's flags: --input-type and TypeScript loaders would break or slow it.
    execArgv: [],
  });
  return {
    post: (message) => worker.postMessage(message),
    listen(onMessage, onEnd) {
      worker.on('message', onMessage);
      worker.on('error', (error) => onEnd(String(error)));
      worker.on('exit', (code) => onEnd(`exit code ${code}`));
    },
    end: () => void worker.terminate(),
  };
}
