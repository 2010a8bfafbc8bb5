import { availableParallelism } from 'node:os';
import { FerError } from '../errors.js';
import type { ClassifierPool } from '../node.js';

/** What images are to be classified with. */
export interface PoolRequest {
  images: readonly string[];
  backend?: string;
  model?: string;
}

/**
 * Starts threads on all cores where that pays: for many images, on the network's own WebAssembly.
 *
 * @returns null where it does not: few images, one core, another backend or network, or `piscina` is not installed.
 */
export async function startPool({ images, backend, model }: PoolRequest): Promise<ClassifierPool | null> {
  const pays = images.length >= MANY && availableParallelism() > 1 && !images.includes('-');
  if (!pays || (backend !== undefined && backend !== 'simd')) return null;
  const { ClassifierPool } = await import('../node.js');
  const pool = new ClassifierPool({ model });
  try {
    await pool.load();
    return pool;
  } catch (error) {
    await pool.close();
    if (error instanceof FerError && ['PACKAGE_MISSING', 'MODEL'].includes(error.code)) return null;
    throw error;
  }
}

/** Images whose classification takes about as long as the start of threads. */
const MANY = 200;
