import { tfjs } from '#tfjs';

/** Registers TF.js's `cpu` backend, unless it is: every program has a backend that starts at once. */
export function registerCpu(): void {
  const { core, cpu } = tfjs();
  if (core.findBackendFactory('cpu') === null) core.registerBackend('cpu', () => new cpu.MathBackendCPU(), 1);
}

/**
 * Keeps TF.js's `cpu` backend from printing, at its first use in Node, that `tfjs-node` would be faster: programs that
 * write to a terminal or a log do not want that from a library. To be called when TF.js has chosen its backend (after
 * `tf.backend()`, `tf.ready()` or a start of ours), because choosing makes the backend again.
 */
export function quietCpu(): void {
  const backend = tfjs().core.findBackend('cpu') as { firstUse?: boolean } | null;
  if (backend?.firstUse) backend.firstUse = false;
}
