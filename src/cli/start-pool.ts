import { availableParallelism } from 'node:os';
import { FerError } from '../errors.js';
import type { Emotion } from '../index.js';
import type { ClassifierPool } from '../node.js';

/** The model and options for the images. */
export interface PoolRequest {
  images: readonly string[];
  /** Whether to find faces first. */
  faces?: boolean;
  backend?: string;
  model?: string;
}

/**
 * Starts threads on all cores if that saves time: for many images, with the network's own WebAssembly.
 *
 * @returns null if it does not: few images, one core, another backend or network, or `piscina` is not installed.
 */
export async function startPool({
  images,
  faces = false,
  backend,
  model,
}: PoolRequest): Promise<ClassifierPool<Emotion, boolean> | null> {
  const pays = images.length >= (faces ? MANY_PHOTOS : MANY) && availableParallelism() > 1 && !images.includes('-');
  if (!pays || (backend !== undefined && backend !== 'simd')) return null;
  const { ClassifierPool } = await import('../pool/classifier-pool.js');
  const pool = new ClassifierPool<Emotion, boolean>({ model, faces });
  try {
    await pool.load();
    return pool;
  } catch (error) {
    await pool.close();
    if (error instanceof FerError && ['PACKAGE_MISSING', 'MODEL'].includes(error.code)) return null;
    throw error;
  }
}

/** Number of crops, and of photos with `--faces`, whose classification takes about as long as the start of the threads. */
const MANY = 200;
const MANY_PHOTOS = 8;
