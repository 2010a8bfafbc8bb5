import { tfjs } from '#tfjs';

/** Registers TF.js's `cpu` backend if needed, so that every program has a backend that starts immediately. */
export function registerCpu(): void {
  const { core, cpu } = tfjs();
  if (core.findBackendFactory('cpu') === null) core.registerBackend('cpu', () => new cpu.MathBackendCPU(), 1);
}

/**
 * Keeps TF.js's `cpu` backend from printing, at its first use in Node, that `tfjs-node` would be faster: a library
 * must not print to a program's terminal or log. Call this after TF.js has chosen its backend (after `tf.backend()`,
 * `tf.ready()` or one of our starts), because choosing creates the backend again.
 */
export function quietCpu(): void {
  const backend = tfjs().core.findBackend('cpu') as { firstUse?: boolean } | null;
  if (backend?.firstUse) backend.firstUse = false;
}
