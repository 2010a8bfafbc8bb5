import { availableParallelism } from 'node:os';
import { abortError, throwIfAborted } from '../abort.js';
import { checkClassNames } from '../class-names.js';
import { type ClassOffsets, offsetsRule } from '../classify/class-offsets.js';
import type { Emotion } from '../emotions.js';
import type { FerError } from '../errors.js';
import { blazeFaceRules } from '../faces/blaze-face.js';
import {
  boolean,
  callback,
  either,
  fields,
  having,
  number,
  optionsOf,
  type Rules,
  signal as signalRule,
  text,
} from '../options.js';
import { type Assets, assetsRule } from '../platform/assets.js';
import { imageLimits, limitRules } from '../platform/image-limits.js';
import type { ImageLimits } from '../runtime.js';
import type { ModelFiles } from '../tfjs/model/artifacts.js';
import { batchesOf } from './batches-of.js';
import { ClassifierThreads } from './classifier-threads.js';
import type { PoolFacesOptions, PoolItem, PoolResult } from './pool-item.js';

export interface ClassifierPoolOptions<
  C extends string = Emotion,
  Faces extends boolean | PoolFacesOptions = boolean | PoolFacesOptions,
> {
  /**
   * Number of threads. Each keeps one core busy. For more than four on large pictures or formats other than JPEG, set the
   * environment variable `UV_THREADPOOL_SIZE` to the same number before Node starts: Node decodes those on its own threads,
   * four by default.
   * @default the number of cores
   */
  workers?: number;
  /**
   * Number of images that a thread gets at a time.
   * @default 32, with `faces` 8
   */
  batchSize?: number;
  /**
   * Finds the faces of each image and classifies each, as `classifyFaces` does with `blazeFaceDetector()`. Results then have
   * `faces` instead of `predictions`. An object sets how faces are found.
   * @default false: each image is one face
   */
  faces?: Faces;
  /**
   * A model of your own, as written by `saveModel`: its folder, or the content of its files. It must be the grey network of
   * `buildModel()`, with any weights and classes.
   * @default the pretrained weights
   */
  model?: string | ModelFiles;
  /**
   * The address of the binaries, or the binaries themselves.
   * @default the files in this package
   */
  assets?: Assets;
  /**
   * Names of the classes, in the order of the outputs, for a model without names. If the model has names, they must
   * be the same. The names also set the type of the results.
   * @default the names in the model's metadata, or else `EMOTIONS` for five outputs
   */
  classes?: readonly C[];
  /**
   * Numbers that are added to the logits of classes: a positive number makes a class more likely.
   * @default none
   */
  offsets?: ClassOffsets<NoInfer<C>>;
}

export interface PoolClassifyOptions extends ImageLimits {
  /**
   * Number of classes in a result, most probable first.
   * @default all: five with the pretrained weights
   */
  topk?: number;
  /** Stops the work: `ABORTED` is thrown, and running images are dropped. */
  signal?: AbortSignal;
  /**
   * Whether encoded bytes are transferred to the threads instead of copied. Arrays that fill their buffer are empty
   * afterwards, and an image whose thread dies is not tried again.
   * @default false
   */
  transfer?: boolean;
  /** Called after every batch. */
  onProgress?: (progress: PoolProgress) => void;
}

/** Progress of one call. */
export interface PoolProgress {
  /** Items that are done, failed ones included. */
  done: number;
  /** Items that could not be classified. */
  failed: number;
  /** Number of all items, if known. */
  total?: number;
}

/**
 * Classifies on all cores: threads decode and classify, on the network's own WebAssembly; with `faces` they find the faces
 * first. Needs the package `piscina`.
 *
 * The threads start at the first call. When a thread dies, another replaces it, and each image that it held is tried once
 * more, alone. An image that ends its thread again has the error `WORKER`.
 *
 * @throws FerError `OPTION` for a number out of its range. The first call: `PACKAGE_MISSING`; `WEIGHTS_UNREACHABLE`,
 * `WEIGHTS_CORRUPT`, `NOT_FOUND`, `MODEL` for the weights; `CLASSES` when the names in `classes` or `offsets` are not the model's; `WASM_UNREACHABLE`, `BACKEND_UNAVAILABLE`.
 * @example
 * const pool = new ClassifierPool();
 * for await (const { item, predictions, error } of pool.classifyStream(paths)) {
 *   console.log(item, predictions?.[0].className ?? error.code);
 * }
 * await pool.close();
 * @example
 * const pool = new ClassifierPool({ faces: true });
 * for await (const { item, faces } of pool.classifyStream(photos)) console.log(item, faces?.length);
 */
export class ClassifierPool<const C extends string = Emotion, Faces extends boolean | PoolFacesOptions = false> {
  readonly #batchSize: number;
  readonly #threads: ClassifierThreads;

  constructor(options?: ClassifierPoolOptions<C, Faces>);
  constructor(options?: ClassifierPoolOptions<Emotion, Faces>);
  constructor(options: ClassifierPoolOptions<C, Faces> = {}) {
    checkPoolOptions(options as ClassifierPoolOptions<string>);
    const { workers = availableParallelism(), model, assets, classes, offsets } = options;
    const faces = options.faces === true ? {} : options.faces || undefined;
    this.#batchSize = options.batchSize ?? (faces === undefined ? 32 : 8);
    this.#threads = new ClassifierThreads(workers, { model, assets, classes, offsets, faces });
  }

  /** Number of threads. */
  get workers(): number {
    return this.#threads.count;
  }

  /** Names of the classes, in the order of the network's outputs; undefined until the pool is loaded. */
  get classes(): readonly C[] | undefined {
    return this.#threads.classes as readonly C[] | undefined;
  }

  /** Starts the threads now instead of at the first image. */
  async load(): Promise<void> {
    await this.#threads.start();
  }

  /**
   * Classifies a list.
   *
   * @returns One result per item, in the items' order.
   * @throws FerError `OPTION`, `ABORTED`, `DISPOSED`, and as the class says. The error of an image is in its result.
   */
  async classify<Item extends PoolItem>(
    items: readonly Item[],
    options: PoolClassifyOptions = {},
  ): Promise<PoolResult<Item, C, Faces>[]> {
    const results: PoolResult<Item, C, Faces>[] = [];
    for await (const result of this.classifyStream(items, options)) results.push(result);
    return results;
  }

  /**
   * Classifies a stream of any length. An item is taken only when a thread can have it soon and earlier results have been
   * fetched, so memory does not grow with the number of items.
   *
   * @param items - A source that throws ends the stream with its error. Results do not wait for a source that pauses.
   * @returns One result per item, in the items' order. Leaving the loop early closes the source.
   * @throws FerError as {@link classify}.
   */
  async *classifyStream<Item extends PoolItem>(
    items: Iterable<Item> | AsyncIterable<Item>,
    options: PoolClassifyOptions = {},
  ): AsyncGenerator<PoolResult<Item, C, Faces>, void, undefined> {
    checkClassifyOptions(options);
    const { topk = Number.MAX_SAFE_INTEGER, signal, onProgress, transfer = false } = options;
    const limits = imageLimits(options);
    throwIfAborted(signal, 'classification');
    await this.#threads.start();

    const aborted = abortOf(signal);
    const progress: PoolProgress = { done: 0, failed: 0 };
    if (Array.isArray(items)) progress.total = items.length;
    // Each thread has one running and one waiting batch.
    const atATime = 2 * this.#threads.count;
    const running: Promise<PoolResult<Item, C, Faces>[]>[] = [];
    const batches = batchesOf(items, this.#batchSize);
    let coming: Promise<IteratorResult<Item[]>> | undefined;
    let ended = false;
    try {
      while (!ended || running.length > 0) {
        if (!ended && running.length < atATime) coming ??= batches.next();
        const next = await aborted.orFirstOf<PoolResult<Item, C, Faces>[] | IteratorResult<Item[]>>([
          ...(coming ? [coming] : []),
          ...(running.length > 0 ? [running[0]] : []),
        ]);
        if (Array.isArray(next)) {
          running.shift();
          progress.done += next.length;
          progress.failed += next.filter(({ error }) => error !== undefined).length;
          onProgress?.({ ...progress });
          for (const result of next) {
            throwIfAborted(signal, 'classification');
            yield result;
          }
        } else {
          coming = undefined;
          if (next.done) ended = true;
          else {
            const results = this.#threads.classify(next.value, { topk, limits, transfer });
            running.push(silenced(results as Promise<PoolResult<Item, C, Faces>[]>));
          }
        }
      }
    } finally {
      aborted.forget();
      // Not awaited: a source that never answers would block the aborting caller.
      coming?.catch(() => {});
      batches.return(undefined).catch(() => {});
    }
  }

  /** Waits for the batches in the threads, then ends them. Calls that still run throw `DISPOSED`. */
  async close(): Promise<void> {
    await this.#threads.close();
  }
}

const count = number('a whole number of 1 or more', (value) => Number.isSafeInteger(value) && value >= 1);

/** Rules for a pool's options. */
export const poolRules = (): Rules<ClassifierPoolOptions<string>> => ({
  workers: count,
  batchSize: count,
  model: either(text, having("a folder, or the content of a model's files")),
  assets: assetsRule,
  classes: checkClassNames,
  offsets: offsetsRule,
  faces: either(boolean, fields<PoolFacesOptions>({ ...blazeFaceRules(), maxFaces: count })),
});

const checkPoolOptions = optionsOf<ClassifierPoolOptions<string>>('ClassifierPool', poolRules);

const checkClassifyOptions = optionsOf<PoolClassifyOptions>('pool.classify', () => ({
  topk: count,
  signal: signalRule,
  onProgress: callback,
  transfer: boolean,
  ...limitRules,
}));

interface Abort {
  /** The first of several promises to settle; rejects when the signal aborts. */
  orFirstOf<Value>(promises: Promise<Value>[]): Promise<Value>;
  forget(): void;
}

/**
 * Not `Promise.race` with one promise for the signal, because that promise would keep all other promises of a race, and so all
 * results, alive until the signal aborts.
 */
function abortOf(signal: AbortSignal | undefined): Abort {
  let rejectWaiting: ((error: FerError) => void) | undefined;
  const listener = () => rejectWaiting?.(abortError(signal!, 'classification'));
  signal?.addEventListener('abort', listener);
  return {
    orFirstOf: (promises) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) reject(abortError(signal, 'classification'));
        rejectWaiting = reject;
        for (const promise of promises) promise.then(resolve, reject);
      }),
    forget: () => signal?.removeEventListener('abort', listener),
  };
}

/** Returns the same promise, without an unhandled rejection if it fails before it is awaited. */
function silenced<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => {});
  return promise;
}
