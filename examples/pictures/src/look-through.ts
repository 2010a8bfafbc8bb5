import { callWorker } from '../../page-parts/worker-calls.js';
import type { FoundFace, Looking } from './looking-worker.js';

/** A picture that the user chose. */
export interface Picture {
  file: File;
  /** Its path in the chosen folder: `holiday/a.jpg`. */
  path: string;
  /** Index among all chosen pictures, because workers finish in another order. */
  place?: number;
}

export interface LookThroughHandlers {
  onPicture(picture: Picture, faces: FoundFace[]): void;
  /** A file that the browser cannot read as a picture. */
  onUnreadable(picture: Picture): void;
}

/** Number of workers: one core is left for the page. */
const WORKERS = Math.min(4, Math.max(1, (navigator.hardwareConcurrency || 2) - 1));

/**
 * Starts the workers that look at pictures.
 *
 * @returns When the network is loaded: a function that looks at pictures, one after another in each worker, and resolves when
 * all are looked at or `signal` stops it.
 * @throws WorkerFailure
 */
export async function startLooking() {
  const asks = Array.from({ length: WORKERS }, () => {
    const worker = new Worker(new URL('./looking-worker.ts', import.meta.url), { type: 'module' });
    return callWorker<Looking>(worker);
  });
  await Promise.all(asks.map((ask) => ask('load', null)));

  return async function lookThrough(
    pictures: readonly Picture[],
    { whole = false, signal, onPicture, onUnreadable }: LookThroughHandlers & { whole?: boolean; signal: AbortSignal },
  ): Promise<void> {
    let next = 0;
    await Promise.all(
      asks.map(async (ask) => {
        while (next < pictures.length && !signal.aborted) {
          const picture = pictures[next++];
          const faces = await ask('look', { file: picture.file, whole }).catch(() => null);
          if (signal.aborted) return;
          if (faces === null) onUnreadable(picture);
          else onPicture(picture, faces);
        }
      }),
    );
  };
}
