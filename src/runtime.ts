import type { PixelImage } from './image/pixels.js';
import type { DecodeLimits } from './platform/image-limits.js';
import type { CheckpointStore } from './tfjs/train/checkpoint.js';

/**
 * All that differs between Node and browsers. `#runtime` (package.json `imports`) names the implementation:
 * `src/platform/node/runtime.ts` under the `node` condition, `src/platform/browser/runtime.ts` otherwise.
 */
export interface Runtime {
  /**
   * Reads what only this platform can read (paths and encoded bytes in Node; DOM images, blobs and encoded bytes in
   * browsers) into pixels, upright by its EXIF orientation.
   *
   * @throws FerError `INPUT`, `NOT_FOUND`, `DECODE`, `TOO_LARGE`, `TIMEOUT`.
   */
  decode(input: unknown, limits: DecodeLimits): Promise<PixelImage>;

  /**
   * Reads a file that the package ships: the first of `candidates` that answers with bytes that `accept` takes.
   *
   * @returns The bytes and where they came from, or null when no candidate gave any.
   */
  readAsset(candidates: readonly URL[], accept: (bytes: Uint8Array<ArrayBuffer>) => boolean): Promise<Asset | null>;

  /** Makes a URL of an address as a user writes it: relative to the page in browsers; in Node a path is a file. */
  toUrl(address: string): URL;

  /**
   * Where a file of an installed package lies, or null: browsers do not know of packages.
   *
   * @param file - The package's name and the file's path in it.
   */
  packageFile(file: string): URL | null;

  /**
   * Keeps checkpoints in a folder, which is made when it is not there.
   *
   * @throws FerError `OPTION` where there is no file system.
   */
  checkpointFolder(path: string): CheckpointStore;

  /**
   * Starts a thread that computes gradients (`src/tfjs/train/gradient-worker.ts`).
   *
   * @throws FerError `OPTION` where there are no threads that share memory.
   */
  startGradientWorker(): Thread;
}

/** The other end of a thread. Messages are structured clones; arrays over a `SharedArrayBuffer` are shared. */
export interface Thread {
  post(message: unknown): void;
  /** `onEnd` tells that the thread has ended by itself, and why. */
  listen<Message>(onMessage: (message: Message) => void, onEnd: (reason: string) => void): void;
  /** Ends the thread. */
  end(): void;
}

/** A file that was read. */
export interface Asset {
  url: URL;
  bytes: Uint8Array<ArrayBuffer>;
}
