import { fileURLToPath } from 'node:url';
import type { Piscina } from 'piscina';
import { outputNames } from '../class-names.js';
import { type ClassOffsets, offsetsInOrder } from '../classify/class-offsets.js';
import { type Predictions, predictionsOf } from '../classify/prediction.js';
import { describeInput } from '../describe-input.js';
import { FerError, reasonOf } from '../errors.js';
import { blazeFaceFiles } from '../faces/blaze-face.js';
import { readModelFiles } from '../folders/read-model-files.js';
import { fallbacks } from '../network/fallbacks.js';
import { networkModule } from '../network/network-module.js';
import { networkWeights } from '../network/network-weights.js';
import { pretrainedFacts } from '../network/pretrained-layout.js';
import { pretrainedWeights } from '../network/pretrained-network.js';
import type { Assets } from '../platform/assets.js';
import { importOptional } from '../platform/import-optional.js';
import type { ModelFiles } from '../tfjs/model/artifacts.js';
import type { PoolAnswer, PoolTask, PoolWorkerStart } from './classifier-worker.js';
import type { PoolFacesOptions, PoolItem, PoolResult } from './pool-item.js';

export interface ThreadsClassifyOptions extends Pick<PoolTask, 'limits'> {
  /** Number of classes to return. */
  topk: number;
  /** Whether encoded bytes are transferred instead of copied. */
  transfer: boolean;
}

/** Settings of the threads; see `ClassifierPoolOptions`. */
export interface ThreadsOptions {
  model?: string | ModelFiles;
  assets?: Assets;
  classes?: readonly string[];
  offsets?: ClassOffsets<string>;
  /** How faces are found; undefined for images of one face each. */
  faces?: PoolFacesOptions;
}

/** A result of either kind of pool. */
export type AnyPoolResult<Item extends PoolItem> =
  | PoolResult<Item, string, false>
  | PoolResult<Item, string, PoolFacesOptions>;

/** The threads of a `ClassifierPool`. Replaces a thread that dies. */
export class ClassifierThreads {
  readonly count: number;
  readonly #assets: Assets | undefined;
  readonly #model: string | ModelFiles | undefined;
  readonly #wanted: readonly string[] | undefined;
  readonly #wantedOffsets: ClassOffsets<string> | undefined;
  readonly #faces: PoolFacesOptions | undefined;
  #classes: readonly string[] | undefined;
  #offsets: Float64Array | undefined;
  #starting: Promise<PoolWorkerStart> | undefined;
  #workerData: PoolWorkerStart | undefined;
  #pool: Piscina | undefined;
  #watch: NodeJS.Timeout | undefined;
  #Piscina!: typeof Piscina;
  #closed = false;
  readonly #running = new Set<Promise<unknown>>();

  constructor(count: number, { model, assets, classes, offsets, faces }: ThreadsOptions = {}) {
    this.count = count;
    this.#assets = assets;
    this.#model = model;
    this.#wanted = classes;
    this.#wantedOffsets = offsets && { ...offsets };
    this.#faces = faces;
  }

  /** Names of the classes; undefined before the start. */
  get classes(): readonly string[] | undefined {
    return this.#classes;
  }

  /** Loads the files of the threads and starts them, once. After a failure it can be called again. */
  async start(): Promise<void> {
    this.#throwIfClosed();
    this.#starting ??= this.#load();
    try {
      this.#workerData = await this.#starting;
    } catch (error) {
      this.#starting = undefined;
      throw error;
    }
    this.#throwIfClosed();
    this.#pool ??= this.#startThreads(this.#workerData);
  }

  /**
   * Classifies a batch on one thread. When that dies, each item is tried once more, alone.
   *
   * @throws FerError `DISPOSED` when the threads are closed before it is done.
   */
  async classify<Item extends PoolItem>(
    items: readonly Item[],
    { topk, limits, transfer }: ThreadsClassifyOptions,
  ): Promise<AnyPoolResult<Item>[]> {
    const refused = new Map<number, FerError>();
    const images = items.flatMap((item, i) => {
      try {
        return [withBox(item)];
      } catch (error) {
        refused.set(i, notAnImage(item, error));
        return [];
      }
    });
    if (refused.size > 0) {
      const readable = items.filter((_, i) => !refused.has(i));
      const results = readable.length > 0 ? await this.classify(readable, { topk, limits, transfer }) : [];
      return items.map((item, i) => (refused.has(i) ? { item, error: refused.get(i)! } : results.shift()!));
    }
    const handedOver = transfer ? buffersOf(images) : [];
    const isGone = ({ image }: TaskImage) =>
      image instanceof Uint8Array && handedOver.includes(image.buffer as ArrayBuffer);
    try {
      return this.#resultsOf(items, await this.#run({ images, limits }, handedOver), topk);
    } catch {
      this.#throwIfClosed();
    }
    const alone = images.map(async (image, i): Promise<AnyPoolResult<Item>> => {
      try {
        if (isGone(image)) throw new Error('its bytes were transferred');
        return this.#resultsOf([items[i]], await this.#run({ images: [image], limits }), topk)[0];
      } catch (error) {
        this.#throwIfClosed();
        // Functions and other values that cannot be sent to another thread.
        if ((error as Error).name === 'DataCloneError') {
          return { item: items[i], error: notAnImage(items[i], error) };
        }
        const message = `${nameOf(image.image)}: the thread that classified it ended${isGone(image) ? '' : ', twice'}: ${reasonOf(error)}`;
        return { item: items[i], error: new FerError('WORKER', message, { cause: error }) };
      }
    });
    return Promise.all(alone);
  }

  /** Waits for the running batches, then ends the threads. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#running);
    clearInterval(this.#watch);
    await this.#pool?.destroy();
    this.#pool = undefined;
  }

  async #run(task: PoolTask, transferList: ArrayBuffer[] = []): Promise<PoolAnswer> {
    this.#throwIfClosed();
    this.#pool ??= this.#startThreads(this.#workerData!);
    const answer = this.#pool.run(task, { transferList });
    this.#running.add(answer);
    try {
      return await answer;
    } finally {
      this.#running.delete(answer);
    }
  }

  async #load(): Promise<PoolWorkerStart> {
    const { Piscina } = await importOptional('piscina', () => import('piscina'), 'ClassifierPool');
    this.#Piscina = Piscina;
    const model = typeof this.#model === 'string' ? await readModelFiles(this.#model) : this.#model;
    const { weights, normalization, classes, named } =
      model === undefined
        ? { ...pretrainedFacts, weights: await pretrainedWeights(fallbacks, this.#assets), named: true }
        : await networkWeights(model, fallbacks);
    this.#classes = outputNames(classes, named, this.#wanted);
    this.#offsets = offsetsInOrder(this.#wantedOffsets, this.#classes);
    const faces = this.#faces && {
      ...this.#faces,
      classes: this.#classes,
      offsets: this.#wantedOffsets,
      files: await blazeFaceFiles(this.#assets),
    };
    return { module: await networkModule(this.#assets), weights, normalization, faces };
  }

  #resultsOf<Item extends PoolItem>(
    items: readonly Item[],
    { probabilities, faces, failures }: PoolAnswer,
    topk: number,
  ): AnyPoolResult<Item>[] {
    const failed = new Map(failures.map((failure) => [failure.index, failure]));
    let row = 0;
    return items.map((item, i) => {
      const failure = failed.get(i);
      if (failure !== undefined) return { item, error: new FerError(failure.code, failure.message) };
      const own = row++;
      if (faces === undefined) {
        return { item, predictions: predictionsOf(probabilities, own, topk, this.#classes, this.#offsets) };
      }
      const best = faces[own].map((face) => ({
        ...face,
        predictions: face.predictions.slice(0, topk) as Predictions<string>,
      }));
      return { item, faces: best };
    });
  }

  #startThreads(workerData: PoolWorkerStart): Piscina {
    const pool = new this.#Piscina({
      // The built file, even when running from the sources. CommonJS: see scripts/esm-to-cjs.mjs.
      filename: fileURLToPath(new URL('../../dist/node/classifier-worker.cjs', import.meta.url)),
      minThreads: this.count,
      maxThreads: this.count,
      // Not this process's flags: --input-type and TypeScript loaders would break or slow the threads.
      execArgv: [],
      workerData,
    });
    // The tasks of a thread that dies reject by themselves.
    pool.on('error', () => {});
    // Piscina does not replace a thread that dies while it starts: waiting tasks would wait forever.
    clearInterval(this.#watch);
    this.#watch = setInterval(() => {
      if (this.#running.size === 0 || pool.threads.length > 0) return;
      clearInterval(this.#watch);
      this.#pool = undefined;
      pool.destroy();
    }, WATCH_MS);
    this.#watch.unref();
    return pool;
  }

  #throwIfClosed(): void {
    if (this.#closed) throw new FerError('DISPOSED', 'this pool has been closed: make another');
  }
}

const WATCH_MS = 500;

type TaskImage = PoolTask['images'][number];

function notAnImage(item: unknown, cause: unknown): FerError {
  return new FerError('INPUT', `${describeInput(item)} is not an image: ${reasonOf(cause)}`, { cause });
}

function withBox(item: PoolItem): TaskImage {
  const { image, box } =
    typeof item === 'object' && item !== null && 'image' in item
      ? item
      : { image: item as TaskImage['image'], box: undefined };
  // Read here, because getters may throw, and then only this item fails; also, a URL cannot be sent to another thread.
  return { image: image instanceof URL ? image.href : image, box: box && { ...box } };
}

/** Buffers with exactly one encoded image, each once. */
function buffersOf(images: readonly TaskImage[]): ArrayBuffer[] {
  const whole = images.flatMap(({ image }) => {
    if (!(image instanceof Uint8Array) || image.byteLength < SMALL) return [];
    return image.buffer instanceof ArrayBuffer && image.byteLength === image.buffer.byteLength ? [image.buffer] : [];
  });
  return [...new Set(whole)];
}

/** Below this number of bytes, copying is as fast as transferring. */
const SMALL = 2 ** 16;

function nameOf(image: TaskImage['image']): string {
  return typeof image === 'string' ? image : 'an image';
}
