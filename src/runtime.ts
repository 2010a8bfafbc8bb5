/**
 * Everything that differs between Node, browsers and React Native. `#runtime` (package.json `imports`) names the implementation:
 * `src/platform/node/runtime.ts` under the `node` condition, `src/platform/react-native/runtime.ts` under `react-native`,
 * `src/platform/browser/runtime.ts` otherwise.
 */
export interface Runtime {
  /**
   * Reads the image inputs of this platform (paths and encoded bytes in Node; DOM images, blobs and encoded bytes in
   * browsers) into pixels, upright by its EXIF orientation.
   *
   * @param frame - Which frame of an animation, or page of a TIFF, from 0; `OPTION` if it does not exist.
   * @throws FerError `INPUT`, `NOT_FOUND`, `DECODE`, `TOO_LARGE`, `TIMEOUT`, `CANVAS`, `OPTION`.
   */
  decode(input: unknown, limits: Required<ImageLimits>, frame?: number): Promise<PixelImage>;

  /**
   * Reads a file of the package: the first of `candidates` whose bytes `accept` accepts.
   *
   * @returns The bytes and their address, or null if no candidate has them.
   */
  readAsset(candidates: readonly URL[], accept: (bytes: Uint8Array<ArrayBuffer>) => boolean): Promise<Asset | null>;

  /** Converts a user's address to a URL: relative to the page in browsers; in Node a path is a file. */
  toUrl(address: string): URL;

  /**
   * The address of a file of an installed package, or null in browsers, which do not know packages.
   *
   * @param file - The package's name and the file's path in it.
   */
  packageFile(file: string): URL | null;

  /**
   * Stores checkpoints in a folder, which is created if needed.
   *
   * @throws FerError `OPTION` where there is no file system.
   */
  checkpointFolder(path: string): CheckpointStore;

  /**
   * Starts a thread that computes gradients (`src/tfjs/train/gradient-worker.ts`).
   *
   * @throws FerError `OPTION` where threads cannot share memory.
   */
  startGradientWorker(): Thread;

  /** The platform's own sha256, where it has one that answers at once: many times as fast as one in JavaScript. */
  sha256?(bytes: Uint8Array): Uint8Array;
}

/** A connection to a thread. Messages are structured clones; arrays over a `SharedArrayBuffer` are shared. */
export interface Thread {
  post(message: unknown): void;
  /** `onEnd` is called when the thread ends by itself, with the reason. */
  listen<Message>(onMessage: (message: Message) => void, onEnd: (reason: string) => void): void;
  /** Terminates the thread. */
  end(): void;
}

/** A read file. */
export interface Asset {
  url: URL;
  bytes: Uint8Array<ArrayBuffer>;
}

/** Decoded 8-bit pixels, row by row, channels interleaved: sample (x, y, c) is `data[(y * width + x) * channels + c]`. */
export interface PixelImage {
  /** Levels 0..255, length width * height * channels. */
  data: Uint8Array | Uint8ClampedArray;
  /** Pixels per row. */
  width: number;
  /** Number of rows. */
  height: number;
  /** 1 is grey, 3 is RGB, 4 is RGB with straight (not premultiplied) alpha. */
  channels: 1 | 3 | 4;
}

/**
 * Limits on images from strangers. Sizes are checked before decoding: an image above a limit is refused with
 * `TOO_LARGE`.
 */
export interface ImageLimits {
  /**
   * Largest width * height. Independently of this, no side may be longer than 65,535.
   * @default 64e6
   */
  maxPixels?: number;
  /**
   * Most work of decoding an encoded image, estimated from its format, size, bytes and scans: 1 is about 2 seconds of one core,
   * or 512 MB of memory. Only in Node; browsers limit decoding themselves.
   * @default 1
   */
  maxWork?: number;
  /**
   * Largest encoded image in bytes; a file over it is not read. Pixels, tensors and elements of a page are not encoded.
   * @default 512e6
   */
  maxBytes?: number;
  /**
   * Most frames of an animation, or pages of a TIFF, in an encoded image. Only one frame is decoded in any case.
   * @default Infinity
   */
  maxFrames?: number;
  /**
   * Longest time to read an image, and longest time to decode it, milliseconds; after it, `TIMEOUT`. With a limit, Node decodes
   * images other than small JPEGs in another process, which is stopped after that time. Elsewhere, waiting for other images counts.
   * @default Infinity
   */
  maxMilliseconds?: number;
}

/** A store for checkpoints. In Node, the path of a folder is enough; elsewhere, or for other storage, pass an object like this. */
export interface CheckpointStore {
  /** Replaces the last saved bytes, completely or not at all. */
  save(bytes: Uint8Array): Promise<void>;
  /**
   * The last saved bytes, or null.
   *
   * @param most - Largest size of a checkpoint of this training: a longer one should be refused without reading.
   */
  load(most?: number): Promise<Uint8Array | null>;
  /**
   * Reserves the store for one training, so that no other writes into it; returns a function that releases it.
   *
   * @throws FerError `CHECKPOINT` while another training uses it.
   */
  lock?(): Promise<() => Promise<void>>;
}
