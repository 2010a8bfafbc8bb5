import { FerError } from '../errors.js';

/** A resource of a detector, loaded at first use and freed by `dispose()`. */
export interface LoadedOnce<Network> {
  /**
   * @throws FerError `DISPOSED` after `dispose()`, and the errors of loading.
   */
  use<Result>(work: (network: Network) => Promise<Result>): Promise<Result>;
  /** Frees it when the last `use` has ended. */
  dispose(): void;
}

/**
 * Loads a network at its first use, once; after a failed load, the next use tries again.
 *
 * @example
 * const network = loadedOnce(async () => startWasmEngine(module, await weights()));
 * await network.use(async ({ find }) => find(image, { inputSize: 256, minScore: 0.5 }));
 */
export function loadedOnce<Network extends { dispose(): void }>(load: () => Promise<Network>): LoadedOnce<Network> {
  let loading: Promise<Network> | undefined;
  let inUse = 0;
  let disposed = false;

  function free(): void {
    loading?.then(
      (network) => network.dispose(),
      () => {},
    );
    loading = undefined;
  }

  return {
    async use(work) {
      if (disposed) throw new FerError('DISPOSED', 'this detector has been disposed: create another');
      inUse++;
      try {
        loading ??= load();
        const network = await loading.catch((error) => {
          loading = undefined;
          throw error;
        });
        return await work(network);
      } finally {
        inUse--;
        if (disposed && inUse === 0) free();
      }
    },
    dispose() {
      disposed = true;
      if (inUse === 0) free();
    },
  };
}
