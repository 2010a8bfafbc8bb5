import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';

// An import for its effects alone would do, but for esbuild: for Node, it leaves such a one of this package out.
if (tf.findBackendFactory('cpu') === null) tf.registerBackend('cpu', () => new MathBackendCPU(), 1);

/**
 * Keeps TF.js's `cpu` backend from printing, at its first use in Node, that `tfjs-node` would be faster: programs that
 * write to a terminal or a log do not want that from a library. To be called when TF.js has chosen its backend (after
 * `tf.backend()`, `tf.ready()` or a start of ours), because choosing makes the backend anew.
 */
export function quietCpu(): void {
  const backend = tf.findBackend('cpu') as { firstUse?: boolean } | null;
  if (backend?.firstUse) backend.firstUse = false;
}
