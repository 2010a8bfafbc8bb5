/**
 * All that differs between Node, browsers and React Native. `#runtime` (package.json `imports`) names the implementation:
 * `src/platform/node/runtime.ts` under the `node` condition, `src/platform/react-native/runtime.ts` under `react-native`,
 * `src/platform/browser/runtime.ts` otherwise.
 */
export interface Runtime {
  /**
   * Reads what only this platform can read (paths and encoded bytes in Node; DOM images, blobs and encoded bytes in
   * browsers) into pixels, upright by its EXIF orientation.
   *
   * @param frame - Which frame of an animation, or page of a TIFF, from 0 on; `OPTION` where there is none.
   * @throws FerError `INPUT`, `NOT_FOUND`, `DECODE`, `TOO_LARGE`, `TIMEOUT`, `CANVAS`, `OPTION`.
   */
  decode(input: unknown, limits: Required<ImageLimits>, frame?: number): Promise<PixelImage>;

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

/** Decoded 8-bit pixels, row by row, channels interleaved: sample (x, y, c) is `data[(y * width + x) * channels + c]`. */
export interface PixelImage {
  /** Levels 0..255, length width * height * channels. */
  data: Uint8Array | Uint8ClampedArray;
  /** Pixels a row. */
  width: number;
  /** Rows. */
  height: number;
  /** 1 is grey, 3 is RGB, 4 is RGB with straight (not premultiplied) alpha. */
  channels: 1 | 3 | 4;
}

/**
 * Bounds on an image, for pictures of strangers. Sizes are known before anything is decoded: what is over one is refused
 * with `TOO_LARGE`.
 */
export interface ImageLimits {
  /**
   * Largest width * height. No side may be longer than 65,535, whatever this is.
   * @default 64e6
   */
  maxPixels?: number;
  /**
   * Most work that decoding an encoded image may be, estimated by its format, size, bytes and scans: 1 is about 2 seconds of a
   * core, or 512 MB of memory. Node alone; browsers look after themselves.
   * @default 1
   */
  maxWork?: number;
  /**
   * Largest encoded image in bytes; a file over it is not read. Pixels, tensors and elements of a page are not encoded.
   * @default 512e6
   */
  maxBytes?: number;
  /**
   * Most frames of an animation, or pages of a TIFF, in an encoded image. The first alone is decoded, however many there are.
   * @default Infinity
   */
  maxFrames?: number;
  /**
   * Longest time to read an image, and longest time to decode it, milliseconds; after it, `TIMEOUT`. In Node, images other than
   * small JPEGs are then decoded in another process, which is ended when its time is up. Elsewhere, waiting for other images counts.
   * @default Infinity
   */
  maxMilliseconds?: number;
}

/** Where checkpoints are kept. In Node a folder's path does; elsewhere, or for other storage, an object like this. */
export interface CheckpointStore {
  /** Replaces what was saved before, all or nothing. */
  save(bytes: Uint8Array): Promise<void>;
  /**
   * What was saved last, or null.
   *
   * @param most - Bytes that a checkpoint of this training may have: a longer one need not be read, but refused.
   */
  load(most?: number): Promise<Uint8Array | null>;
  /**
   * Takes the store for one training, so that no other writes into it; gives what ends that.
   *
   * @throws FerError `CHECKPOINT` while another has it.
   */
  lock?(): Promise<() => Promise<void>>;
}
