import { availableParallelism } from 'node:os';
import { abortError, throwIfAborted } from '../abort.js';
import { checkClassNames } from '../class-names.js';
import { type ClassOffsets, offsetsRule } from '../classify/class-offsets.js';
import type { Emotion } from '../emotions.js';
import type { FerError } from '../errors.js';
import {
  boolean,
  callback,
  either,
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
import type { PoolItem, PoolResult } from './pool-item.js';

export interface ClassifierPoolOptions<C extends string = Emotion> {
  /**
   * Threads. Each keeps one core busy. For more than four on large pictures or formats other than JPEG, set the environment
   * variable `UV_THREADPOOL_SIZE` to as many before Node starts: those are decoded on Node's own threads, four by default.
   * @default the number of cores
   */
  workers?: number;
  /**
   * Images that a thread is given at a time.
   * @default 32
   */
  batchSize?: number;
  /**
   * A model of your own, as `saveModel` writes it: its folder, or its files' content. It must be the network of
   * `buildModel()`, grey, with whatever weights and classes.
   * @default the pretrained weights
   */
  model?: string | ModelFiles;
  /**
   * Where the binaries lie, or the binaries themselves.
   * @default the files in this package
   */
  assets?: Assets;
  /**
   * Names of the model's classes, for a model that does not name them, in the order of its outputs. Where it does, they must
   * be the same names; they then serve as the type of what is given.
   * @default what the model's metadata says, else `EMOTIONS` for five outputs
   */
  classes?: readonly C[];
  /**
   * Added to the logits of classes: which classes are named more readily, and which less.
   * @default none
   */
  offsets?: ClassOffsets<NoInfer<C>>;
}

export interface PoolClassifyOptions extends ImageLimits {
  /**
   * How many of the classes are given.
   * @default all: five with the pretrained weights
   */
  topk?: number;
  /** Ends the work: what is under way is dropped, and `ABORTED` is thrown. */
  signal?: AbortSignal;
  /**
   * Whether encoded bytes are handed over to the threads rather than copied: arrays that have their buffer to themselves
   * are empty afterwards, and an image whose thread dies is not tried again.
   * @default false
   */
  transfer?: boolean;
  /** Told after every batch. */
  onProgress?: (progress: PoolProgress) => void;
}

/** How far a pool has come with one call. */
export interface PoolProgress {
  /** Items that are done, failed ones included. */
  done: number;
  /** Items that could not be classified. */
  failed: number;
  /** All items, where that is known. */
  total?: number;
}

/**
 * Classifies on all cores: threads decode and classify, on the network's own WebAssembly. Needs the package `piscina`.
 *
 * Nothing is started before the first call. When a thread dies, another takes its place, and each image it held is tried
 * once more, alone; one that ends its thread again is reported as `WORKER`.
 *
 * @throws FerError `OPTION` for a number out of its range. The first call: `PACKAGE_MISSING`; `WEIGHTS_UNREACHABLE`,
 * `WEIGHTS_CORRUPT`, `NOT_FOUND`, `MODEL` for the weights; `CLASSES` when `classes` or those of `offsets` are not the model's; `WASM_UNREACHABLE`, `BACKEND_UNAVAILABLE`.
 * @example
 * const pool = new ClassifierPool();
 * for await (const { item, predictions, error } of pool.classifyStream(paths)) {
 *   console.log(item, predictions?.[0].className ?? error.code);
 * }
 * await pool.close();
 */
export class ClassifierPool<const C extends string = Emotion> {
  readonly #batchSize: number;
  readonly #threads: ClassifierThreads;

  constructor(options?: ClassifierPoolOptions<C>);
  constructor(options?: ClassifierPoolOptions);
  constructor(options: ClassifierPoolOptions<C> = {}) {
    checkPoolOptions(options);
    const { workers = availableParallelism(), batchSize = 32, model, classes, offsets } = options;
    this.#batchSize = batchSize;
    this.#threads = new ClassifierThreads(workers, { model, assets: options.assets, classes, offsets });
  }

  /** Number of threads. */
  get workers(): number {
    return this.#threads.count;
  }

  /** Names of the classes, in the order of the network's outputs; undefined until the pool is loaded. */
  get classes(): readonly C[] | undefined {
    return this.#threads.classes as readonly C[] | undefined;
  }

  /** Starts the threads now rather than at the first image. */
  async load(): Promise<void> {
    await this.#threads.start();
  }

  /**
   * Classifies a list.
   *
   * @returns One result an item, in the items' order.
   * @throws FerError `OPTION`, `ABORTED`, `DISPOSED`, and as the class says; images' own errors are in their results.
   */
  async classify<Item extends PoolItem>(
    items: readonly Item[],
    options: PoolClassifyOptions = {},
  ): Promise<PoolResult<Item, C>[]> {
    const results: PoolResult<Item, C>[] = [];
    for await (const result of this.classifyStream(items, options)) results.push(result);
    return results;
  }

  /**
   * Classifies whatever comes, however much: an item is taken only when a thread can soon have it, and results wait to be
   * fetched before more is taken, so that memory does not grow with the number of items.
   *
   * @param items - A source that throws ends the stream with its error. One that pauses does not hold results back.
   * @returns One result an item, in the items' order. Leaving the loop early closes the source.
   * @throws FerError as {@link classify}.
   */
  async *classifyStream<Item extends PoolItem>(
    items: Iterable<Item> | AsyncIterable<Item>,
    options: PoolClassifyOptions = {},
  ): AsyncGenerator<PoolResult<Item, C>, void, undefined> {
    checkClassifyOptions(options);
    const { topk = Number.MAX_SAFE_INTEGER, signal, onProgress, transfer = false } = options;
    const limits = imageLimits(options);
    throwIfAborted(signal, 'classification');
    await this.#threads.start();

    const aborted = abortOf(signal);
    const progress: PoolProgress = { done: 0, failed: 0 };
    if (Array.isArray(items)) progress.total = items.length;
    // Each thread has a batch in hand and one that waits.
    const atATime = 2 * this.#threads.count;
    const running: Promise<PoolResult<Item, C>[]>[] = [];
    const batches = batchesOf(items, this.#batchSize);
    let coming: Promise<IteratorResult<Item[]>> | undefined;
    let ended = false;
    try {
      while (!ended || running.length > 0) {
        if (!ended && running.length < atATime) coming ??= batches.next();
        const next = await aborted.orFirstOf<PoolResult<Item, C>[] | IteratorResult<Item[]>>([
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
            running.push(silenced(results as Promise<PoolResult<Item, C>[]>));
          }
        }
      }
    } finally {
      aborted.forget();
      // Not waited for: a source that never answers would hold the caller who aborts.
      coming?.catch(() => {});
      batches.return(undefined).catch(() => {});
    }
  }

  /** Waits for what the threads have in hand, then ends them. Calls that are still going on throw `DISPOSED`. */
  async close(): Promise<void> {
    await this.#threads.close();
  }
}

const count = number('a whole number of 1 or more', (value) => Number.isSafeInteger(value) && value >= 1);

/** The rules of a pool's options. */
export const poolRules = (): Rules<ClassifierPoolOptions<string>> => ({
  workers: count,
  batchSize: count,
  model: either(text, having("a folder, or the content of a model's files")),
  assets: assetsRule,
  classes: checkClassNames,
  offsets: offsetsRule,
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
  /** What comes first of some promises; rejects when the signal does. */
  orFirstOf<Value>(promises: Promise<Value>[]): Promise<Value>;
  forget(): void;
}

/**
 * Not by `Promise.race` with one promise of the signal: it would keep all that it was ever raced with, every result among it,
 * for as long as the signal is silent.
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

/** The same promise; that nobody waits for it when it fails is no unhandled rejection. */
function silenced<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => {});
  return promise;
}
