import { setTimeout as sleep } from 'node:timers/promises';
import { throwIfAborted } from '../abort.js';
import { checkIterable } from '../check-iterable.js';
import { describeInput } from '../describe-input.js';
import { FerError } from '../errors.js';
import { anything, callback, optionsOf, type Rules, signal as signalRule } from '../options.js';
import { batchesOf } from '../pool/batches-of.js';
import { addJobs } from './add-jobs.js';
import { checkServer } from './check-server.js';
import { type ConnectOptions, connect } from './connect.js';
import { itemOf, MAX_ITEMS, type QueueItem } from './items.js';
import { Ledger } from './ledger.js';
import { addressRules } from './queue-options.js';
import type { ItemReference, QueueAddress } from './types.js';

export interface EnqueueOptions extends QueueAddress {
  /**
   * Items of a job, which one worker processes at a time. The same items in batches of another size make other jobs; each item
   * is still classified once.
   * @default 50
   */
  batchSize?: number;
  /**
   * Most items that wait at a time; above it, `enqueue` waits for the workers, so that Redis does not fill up.
   * @default no limit
   */
  maxWaiting?: number;
  /** Stops enqueuing; items that are in the queue by then stay there. */
  signal?: AbortSignal;
  /** Called after every few batches. */
  onProgress?: (progress: Enqueued) => void;
  /** Called with each invalid reference; the others are enqueued. */
  onRefused?: (error: FerError, reference: ItemReference) => void;
}

/** Rules for the options; numbers that depend on each other are checked later. */
export const enqueueRules = (): Rules<EnqueueOptions> => ({
  ...addressRules,
  batchSize: anything,
  maxWaiting: anything,
  signal: signalRule,
  onProgress: callback,
  onRefused: callback,
});

const checkOptions = optionsOf<EnqueueOptions>('enqueue', enqueueRules, 'connection');

/** The outcome for the references. */
export interface Enqueued {
  /** All references. */
  items: number;
  /** References that were new to the queue. */
  fresh: number;
  /** Invalid references (`onRefused`): a password in an address, another scheme, NUL in a name. */
  refused: number;
}

/**
 * Puts images into a queue, in batches. A reference that the queue knows is not added again, whether it waits, is done or
 * has failed. An invalid reference (`INPUT`, `REFUSED`, `TOO_LARGE`) goes to `onRefused` and is left out.
 *
 * @throws FerError `OPTION`; `ABORTED`; `UNREACHABLE`, `PACKAGE_MISSING`; `QUEUE` when part of the queue is gone from Redis.
 * The same call again continues where the last one ended, and restarts jobs that failed before all their items had results.
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
    throw new FerError('OPTION', `batchSize must be a whole number from 1 to 1000, got ${describeInput(batchSize)}`);
  }
  if (!(typeof maxWaiting === 'number' && maxWaiting >= batchSize))
    throw new FerError('OPTION', `maxWaiting must be batchSize or more, got ${describeInput(maxWaiting)}`);
  checkIterable(items, 'items');
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
        await addJobs(openBatches(some, open, batchSize), queue, connection);
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

/** A shorter pause of the source does not end a batch: the same folder makes the same jobs, also on a busy machine. */
const PAUSE_MS = 1000;

/** Batches that are sent to Redis at a time. */
const BATCHES = 20;

const LOST: ConnectOptions = { whenLost: 'fail' };

function openBatches(items: readonly QueueItem[], open: readonly boolean[], batchSize: number): QueueItem[][] {
  const batches = [];
  for (let first = 0; first < items.length; first += batchSize) {
    // The batch with its finished items: the same folder makes the same jobs, and BullMQ adds each once.
    const batch = items.slice(first, first + batchSize);
    if (open.slice(first, first + batchSize).includes(true)) batches.push(batch);
  }
  return batches;
}

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
