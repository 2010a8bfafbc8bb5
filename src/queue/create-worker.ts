import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Job, Worker } from 'bullmq';
import { topkRule } from '../classify/classifier.js';
import type { Emotion } from '../emotions.js';
import type { FerError } from '../errors.js';
import { callback, having, number, optionsOf } from '../options.js';
import { ByteBudget } from '../platform/byte-budget.js';
import { imageLimits, limitRules } from '../platform/image-limits.js';
import { ClassifierPool, type ClassifierPoolOptions, poolRules } from '../pool/classifier-pool.js';
import type { PoolFacesOptions } from '../pool/pool-item.js';
import type { ImageLimits } from '../runtime.js';
import { checkServer } from './check-server.js';
import { connect } from './connect.js';
import { addForgottenJobs } from './forgotten-jobs.js';
import { functionSink, type IdentifiedResult } from './function-sink.js';
import { Ledger } from './ledger.js';
import { type JobTools, processJob } from './process-job.js';
import { addressRules, readRules } from './queue-options.js';
import { type QueueStatus, statusOf } from './queue-status.js';
import { QueueStop } from './queue-stop.js';
import { DEFAULT_MAX_BYTES, itemReader, type ReadItemOptions } from './read-item.js';
import { redisError } from './redis-error.js';
import type { ResultSink } from './result-sink.js';
import type { BatchReport, QueueAddress } from './types.js';

export interface CreateWorkerOptions<
  C extends string = Emotion,
  Faces extends boolean | PoolFacesOptions = boolean | PoolFacesOptions,
> extends QueueAddress,
    ReadItemOptions,
    Omit<ImageLimits, 'maxBytes'> {
  /** Where results go: `jsonLines(path)`, `redisStream(key)`, or a function, which may be called twice with the same `id`. */
  sink: ResultSink | ((results: IdentifiedResult<C, Faces>[]) => void | Promise<void>);
  /**
   * Threads that decode and classify.
   * @default the number of cores
   */
  concurrency?: number;
  /** A model of your own, as for `ClassifierPool`. @default the pretrained weights */
  model?: ClassifierPoolOptions['model'];
  /**
   * Names of the classes, as for `ClassifierPool`; they are the type of the results.
   * @default the names in the model's metadata, or else `EMOTIONS` for five outputs
   */
  classes?: readonly C[];
  /**
   * Finds the faces of each image, as `ClassifierPool` does; a result then has `faces` instead of `predictions`.
   * @default false: each image is one face
   */
  faces?: Faces;
  /**
   * Number of classes in a result, most probable first.
   * @default all: five with the pretrained weights
   */
  topk?: number;
  /**
   * Milliseconds after which other workers take over the batches of a worker that is silent.
   * @default 30000
   */
  lockDuration?: number;
  /**
   * Milliseconds that `close()` waits for the batches in hand; then it returns them to the queue.
   * @default 30000
   */
  grace?: number;
  /** Called after every batch. */
  onBatch?: (batch: BatchReport) => void;
  /** Called with each error that the worker retries: Redis lost, a sink that fails. */
  onTrouble?: (error: FerError) => void;
}

/** A worker that runs. */
export interface QueueWorker {
  /**
   * Settles when it has ended: with nothing after `close()`; with an error when it had to stop, because the queue's ledger
   * is gone from Redis or something else writes to the results file. It never rejects.
   */
  readonly ended: Promise<FerError | undefined>;
  /**
   * Counts the queue's items, as `queueStatus`; waits while Redis is away.
   *
   * @throws FerError `QUEUE` when the ledger that the worker started with is gone.
   */
  status(): Promise<QueueStatus>;
  /** Takes no more batches, finishes or returns its batches, and ends threads and connections. */
  close(): Promise<void>;
}

/**
 * Starts a worker in this process: it takes batches from a queue, classifies them on all cores, and delivers one result per
 * item, also after crashes (see docs/scaling.md).
 *
 * An image that cannot be classified is a result with an error, and its batch ends in the failed set with the reason; it is
 * not tried again. A server that does not answer is tried five times more. While Redis or the sink is away the worker waits.
 *
 * @throws FerError `UNREACHABLE`, `PACKAGE_MISSING`, `OPTION`; `NOT_FOUND` for a root or results file; as `ClassifierPool`.
 * @example
 * const worker = await createWorker({
 *   connection: 'redis://localhost',
 *   roots: ['/faces'],
 *   sink: jsonLines('/results/faces.jsonl'),
 * });
 * process.once('SIGTERM', () => worker.close());
 */
export async function createWorker<const C extends string = Emotion, Faces extends boolean | PoolFacesOptions = false>(
  options: CreateWorkerOptions<C, Faces>,
): Promise<QueueWorker> {
  checkOptions(options as unknown as CreateWorkerOptions<string>);
  const { concurrency, model, classes, faces, lockDuration = 30_000, grace = 30_000 } = options;
  // Bytes are counted when they are read.
  const limits = imageLimits({ ...options, maxBytes: undefined });
  const onTrouble = options.onTrouble ?? (() => {});
  const pool = new ClassifierPool<string, boolean | PoolFacesOptions>({ workers: concurrency, model, classes, faces });
  const read = await itemReader(options);
  const connection = await connect(options, { whenLost: 'wait', onError: onTrouble });
  const { bullmq, redis, name } = connection;
  const ledger = new Ledger(redis, name);
  const sink = typeof options.sink === 'function' ? functionSink(options.sink) : options.sink;
  const stop = new AbortController();
  // Every read and every wait of every job adds a listener.
  setMaxListeners(0, stop.signal);
  let worker: Worker;
  let forgotten: ReturnType<typeof addForgottenJobs>;
  /** The run of Redis that the sink knows. */
  let run: string;
  let stopped: FerError | undefined;
  let closing: Promise<void> | undefined;
  let tellEnd: (error: FerError | undefined) => void;
  const ended = new Promise<FerError | undefined>((resolve) => {
    tellEnd = resolve;
  });
  function stopFor(reason: QueueStop) {
    if (stopped !== undefined || closing !== undefined) return;
    stopped = reason;
    onTrouble(reason);
    stop.abort();
    close();
  }
  try {
    await checkServer(redis);
    await pool.load();
    run = await ledger.check();
    await sink.open(ledger);
    const { topk, onBatch } = options;
    const tools: JobTools = {
      ...{ bullmq, pool, read, ledger, sink, topk, limits, onBatch, onTrouble },
      signal: stop.signal,
      budget: new ByteBudget(HELD_IMAGES * (options.maxBytes ?? DEFAULT_MAX_BYTES)),
      delivered: { count: 0 },
      stop: stopFor,
    };
    const work = (job: Job, token?: string) => {
      forgotten.began(job);
      return processJob(job, token, tools);
    };
    worker = new bullmq.Worker(name, work, {
      connection: redis,
      // One more than there are threads: they work on one batch while another is read or delivered.
      concurrency: pool.workers + 1,
      lockDuration,
      stalledInterval: lockDuration,
      // Dead workers never end a batch; the ledger ends an image that kills workers.
      maxStalledCount: 1_000_000,
      drainDelay: 1,
      runRetryDelay: 1000,
    });
    forgotten = addForgottenJobs(worker, connection, ledger, onTrouble);
  } catch (error) {
    await Promise.allSettled([pool.close(), connection.close()]);
    throw error;
  }
  worker.on('error', (error) => {
    if (!stop.signal.aborted) onTrouble(redisError(error, name));
  });

  async function look(): Promise<void> {
    const now = await ledger.check();
    if (now === run) return;
    await sink.restarted?.(now);
    run = now;
  }

  // A worker that has nothing to do learns of a lost ledger, of a restarted Redis and of a replaced results file, too.
  let looking: Promise<void> | undefined;
  let verifying: Promise<void> | undefined;
  const watch = setInterval(() => {
    verifying ??= sink.verify?.().finally(() => {
      verifying = undefined;
    });
    looking ??= look().finally(() => {
      looking = undefined;
    });
    for (const looked of [looking, verifying]) {
      looked?.catch((error) => {
        if (error instanceof QueueStop) stopFor(error);
      });
    }
  }, WATCH_MS).unref();

  function close(): Promise<void> {
    closing ??= (async () => {
      clearInterval(watch);
      const idle = worker.close().catch(() => {});
      const late = new AbortController();
      const returned = sleep(grace, undefined, late).then(() => {
        stop.abort();
        // Without Redis nothing can be returned: the locks expire, and other workers take the batches over.
        return sleep(RETURN_MS, undefined, late);
      });
      await Promise.race([idle, returned]);
      late.abort();
      returned.catch(() => {});
      if (stopped === undefined) {
        const verified = Promise.all([sink.verify?.(), forgotten.settled()]).catch(onTrouble);
        await Promise.race([verified, sleep(RETURN_MS, undefined, { ref: false })]);
      }
      stop.abort();
      await Promise.allSettled([pool.close(), connection.close()]);
      tellEnd(stopped);
    })();
    return closing;
  }

  return {
    ended,
    close,
    async status() {
      await ledger.check();
      return statusOf(connection);
    },
  };
}

const checkOptions = optionsOf<CreateWorkerOptions<string>>(
  'createWorker',
  () => ({
    ...addressRules,
    ...limitRules,
    ...readRules,
    sink: having('jsonLines(path), redisStream(key), or a function'),
    concurrency: poolRules().workers,
    model: poolRules().model,
    classes: poolRules().classes,
    faces: poolRules().faces,
    topk: topkRule,
    lockDuration: number('1000 ms or more', (value) => value >= 1000 && Number.isFinite(value)),
    grace: number('0 ms or more', (value) => value >= 0 && Number.isFinite(value)),
    onBatch: callback,
    onTrouble: callback,
  }),
  'connection',
  'sink',
);

/** Time to return the batches in hand. */
const RETURN_MS = 5000;

const WATCH_MS = 2000;

/** Encoded images of the largest size that fit in memory at a time. */
const HELD_IMAGES = 2;
