import { setTimeout as sleep } from 'node:timers/promises';
import type { Queue } from 'bullmq';
import { throwIfAborted } from '../abort.js';
import { FerError } from '../errors.js';
import { anything, callback, optionsOf, type Rules, signal as signalRule } from '../options.js';
import { batchesOf } from '../pool/batches-of.js';
import { checkServer } from './check-server.js';
import { type ConnectOptions, connect, type QueueConnection } from './connect.js';
import { itemOf, jobDataOf, jobId, MAX_ITEMS, type QueueItem } from './items.js';
import { Ledger } from './ledger.js';
import { addressRules } from './queue-options.js';
import { redisError } from './redis-error.js';
import type { ItemReference, QueueAddress } from './types.js';

export interface EnqueueOptions extends QueueAddress {
  /**
   * Items of a job: what a worker has in hand at a time. The same items in batches of another size are other jobs; each item
   * is still classified once.
   * @default 50
   */
  batchSize?: number;
  /**
   * Most items that wait at a time; beyond it, enqueuing waits for workers, so that Redis does not fill up.
   * @default no limit
   */
  maxWaiting?: number;
  /** Stops it; what is enqueued by then stays. */
  signal?: AbortSignal;
  /** Told after every few batches. */
  onProgress?: (progress: Enqueued) => void;
  /** Told of each reference that is none; the others are enqueued all the same. */
  onRefused?: (error: FerError, reference: ItemReference) => void;
}

/** The rules of enqueuing; numbers are looked at with each other. */
export const enqueueRules = (): Rules<EnqueueOptions> => ({
  ...addressRules,
  batchSize: anything,
  maxWaiting: anything,
  signal: signalRule,
  onProgress: callback,
  onRefused: callback,
});

const checkOptions = optionsOf<EnqueueOptions>('enqueue', enqueueRules, 'connection');

/** What became of the references. */
export interface Enqueued {
  /** References that were given. */
  items: number;
  /** Of them, those that the queue did not know. */
  fresh: number;
  /** Of them, those that no worker would read (`onRefused`): a password in an address, another scheme, NUL in a name. */
  refused: number;
}

/**
 * Puts images into a queue, in batches. A reference that the queue knows is not taken a second time, whether it waits, is
 * done, or failed. One that is none (`INPUT`, `REFUSED`, `TOO_LARGE`) is told to `onRefused` and left out.
 *
 * @throws FerError `OPTION`; `ABORTED`; `UNREACHABLE`, `PACKAGE_MISSING`; `QUEUE` when part of the queue is gone from Redis.
 * Doing the same again continues where it ended; jobs that failed before all their items had results are begun anew.
 * @example
 * await enqueue(['https://images.example.com/1.jpg', '/faces/2.jpg'], { connection: 'redis://localhost' });
 */
export async function enqueue(
  items: Iterable<ItemReference> | AsyncIterable<ItemReference>,
  options: EnqueueOptions,
): Promise<Enqueued> {
  checkOptions(options);
  const { batchSize = 50, maxWaiting = Number.POSITIVE_INFINITY, signal, onProgress, onRefused } = options;
  if (!(Number.isInteger(batchSize) && batchSize >= 1 && batchSize <= MAX_ITEMS)) {
    throw new FerError('OPTION', `batchSize must be a whole number from 1 to 1000, got ${batchSize}`);
  }
  if (!(maxWaiting >= batchSize))
    throw new FerError('OPTION', `maxWaiting must be batchSize or more, got ${maxWaiting}`);
  throwIfAborted(signal, 'enqueuing');

  const connection = await connect(options, LOST);
  const queue = new connection.bullmq.Queue(connection.name, { connection: connection.redis });
  queue.on('error', () => {});
  const ledger = new Ledger(connection.redis, connection.name);
  const progress: Enqueued = { items: 0, fresh: 0, refused: 0 };
  try {
    await checkServer(connection.redis);
    await ledger.open();
    for await (const references of batchesOf(items, Math.min(BATCHES * batchSize, maxWaiting), PAUSE_MS)) {
      throwIfAborted(signal, 'enqueuing');
      const byId = new Map<string, QueueItem>();
      for (const reference of references) {
        try {
          const item = itemOf(reference);
          byId.set(item.id, item);
        } catch (error) {
          if (!(error instanceof FerError)) throw error;
          progress.refused++;
          onRefused?.(error, reference);
        }
      }
      const some = [...byId.values()];
      progress.items += references.length;
      if (some.length > 0) {
        await roomFor(some.length, maxWaiting, ledger, signal);
        const { fresh, open } = await ledger.register(some.map(({ id }) => id));
        await addJobs(jobsOf(some, open, batchSize), queue, connection);
        progress.fresh += fresh.filter(Boolean).length;
      }
      onProgress?.({ ...progress });
    }
  } finally {
    await queue.close();
    await connection.close();
  }
  return progress;
}

/** A source may pause so long without cutting a batch short: the same folder makes the same jobs, on a busy machine too. */
const PAUSE_MS = 1000;

/** Batches that are sent to Redis at a time. */
const BATCHES = 20;

const LOST: ConnectOptions = { whenLost: 'fail' };

const JOB_OPTIONS = {
  // The ledger remembers what is done; a job that is done need not.
  removeOnComplete: true,
  removeOnFail: { count: 100_000 },
  // For servers that do not answer: after 1, 2, 4, ... s.
  attempts: 6,
  backoff: { type: 'exponential', delay: 1000 },
};

function jobsOf(items: readonly QueueItem[], open: readonly boolean[], batchSize: number) {
  const jobs = [];
  for (let first = 0; first < items.length; first += batchSize) {
    // The batch as it is, done items and all: the same folder makes the same jobs, which BullMQ takes once.
    const batch = items.slice(first, first + batchSize);
    if (!open.slice(first, first + batchSize).includes(true)) continue;
    jobs.push({ name: 'classify', data: jobDataOf(batch), opts: { ...JOB_OPTIONS, jobId: jobId(batch) } });
  }
  return jobs;
}

/** A job that is there, but neither waits nor runs, gives way: BullMQ takes no second of its name. */
async function addJobs(jobs: ReturnType<typeof jobsOf>, queue: Queue, { redis, name }: QueueConnection): Promise<void> {
  try {
    const ids = jobs.map(({ opts }) => opts.jobId);
    if (ids.length > 0 && (await redis.exists(...ids.map((id) => queue.toKey(id)))) > 0) {
      await Promise.all(
        ids.map(async (id) => {
          if (ENDED.has(await queue.getJobState(id))) await queue.remove(id);
        }),
      );
    }
    await queue.addBulk(jobs);
  } catch (error) {
    throw redisError(error, name);
  }
}

/** `unknown`: it is in no list any more. */
const ENDED = new Set(['failed', 'completed', 'unknown']);

async function roomFor(count: number, maxWaiting: number, ledger: Ledger, signal?: AbortSignal): Promise<void> {
  if (maxWaiting === Number.POSITIVE_INFINITY) return;
  for (;;) {
    const { total, done, failed } = await ledger.counts();
    if (total - done - failed + count <= maxWaiting) return;
    await sleep(ROOM_MS);
    throwIfAborted(signal, 'enqueuing');
  }
}

const ROOM_MS = 500;
