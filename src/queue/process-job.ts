import { setTimeout as sleep } from 'node:timers/promises';
import type { Job } from 'bullmq';
import { FerError, type FerErrorCode } from '../errors.js';
import type { ClassifierPool } from '../pool/classifier-pool.js';
import type { PoolResult } from '../pool/pool-item.js';
import type { ImageLimits } from '../runtime.js';
import { itemsOf, jobDataOf, type QueueItem } from './items.js';
import type { Ledger, Outcome, Placed } from './ledger.js';
import type { ItemReader } from './read-item.js';
import type { ResultSink } from './result-sink.js';
import type { BatchReport, ItemResult } from './types.js';

/** All that a job is processed with. */
export interface JobTools {
  bullmq: typeof import('bullmq');
  pool: ClassifierPool;
  read: ItemReader;
  ledger: Ledger;
  sink: ResultSink;
  topk?: number;
  limits: ImageLimits;
  /** Ends the work: what is not delivered by then goes back to the queue. */
  signal: AbortSignal;
  onBatch?: (batch: BatchReport) => void;
  onTrouble: (error: FerError) => void;
}

/**
 * Classifies the items of a job that have no result yet, and delivers the results.
 *
 * @throws UnrecoverableError naming the images that cannot be classified, after their results have been delivered; the job
 * then holds them alone. WaitingError when it was stopped. Error when a server did not answer: BullMQ tries the job again.
 */
export async function processJob(job: Job, token: string | undefined, tools: JobTools): Promise<void> {
  const { bullmq, ledger, sink, signal } = tools;
  const began = performance.now();
  const items = readJob(job, tools);
  try {
    const states = await ledger.states(items.map(({ id }) => id));
    const placed = states.filter((state): state is Placed => typeof state === 'object');
    if (placed.length > 0) await persist(() => sink.finish(placed), tools);
    const poison: [QueueItem, string][] = [];
    const open: QueueItem[] = [];
    items.forEach((item, i) => {
      if (states[i] === 'waiting') open.push(item);
      if (states[i] === 'failed') poison.push([item, 'failed before: its result says why']);
    });

    // A worker that died may have died of one of these images: one at a time tells which.
    const suspicious = job.stalledCounter > 0;
    const triesLeft = job.attemptsMade + 1 < (job.opts.attempts ?? 1);
    const unreachable: FerError[] = [];
    for (const group of suspicious ? open.map((item) => [item]) : [open]) {
      const outcomes: Outcome[] = [];
      for (const [item, result] of await classify(group, suspicious, tools)) {
        if (result instanceof FerError) {
          if (result.code === 'UNREACHABLE' && triesLeft) {
            unreachable.push(result);
            continue;
          }
          poison.push([item, `${result.message} [${result.code}]`]);
        }
        outcomes.push(outcomeOf(item, result));
      }
      if (outcomes.length === 0) continue;
      await persist(() => sink.deliver(outcomes), tools);
      if (suspicious) await ledger.forget(group.map(({ id }) => id));
      const failed = outcomes.filter((outcome) => outcome.failed).length;
      const seconds = (performance.now() - began) / 1000;
      tools.onBatch?.({ done: outcomes.length - failed, failed, seconds });
    }
    if (unreachable.length > 0) throw unreachable[0];
    if (poison.length > 0) {
      await job.updateData(jobDataOf(poison.map(([item]) => item)));
      const reasons = poison
        .slice(0, REASONS)
        .map(([{ ref }, reason]) => (reason.includes(ref) ? reason : `${ref}: ${reason}`));
      throw new bullmq.UnrecoverableError(
        `${poison.length} of ${items.length} images cannot be classified: ${reasons.join('; ')}`,
      );
    }
  } catch (error) {
    if (!signal.aborted || error instanceof bullmq.UnrecoverableError) throw error;
    await job.moveToWait(token);
    throw new bullmq.WaitingError();
  }
}

// --- below this line: helpers of this file alone ---

/** Reasons that a job's failure spells out. */
const REASONS = 10;

function readJob(job: Job, { bullmq }: JobTools): QueueItem[] {
  try {
    return [...new Map(itemsOf(job.data).map((item) => [item.id, item])).values()];
  } catch (error) {
    throw new bullmq.UnrecoverableError((error as Error).message);
  }
}

type Classified = PoolResult['predictions'] & object;

async function classify(
  items: readonly QueueItem[],
  suspicious: boolean,
  { pool, read, ledger, topk, limits, signal }: JobTools,
): Promise<[QueueItem, Classified | FerError][]> {
  const images = await inParallel(items, READERS, async (item): Promise<Uint8Array | FerError> => {
    signal.throwIfAborted();
    if (suspicious && (await ledger.begin(item.id)) >= DEATHS) {
      return new FerError('WORKER', `${item.ref}: ${DEATHS} workers ended while they classified it`);
    }
    try {
      return await read(item, signal);
    } catch (error) {
      signal.throwIfAborted();
      return error instanceof FerError ? error : new FerError('INPUT', String(error), { cause: error });
    }
  });
  const readable = images.filter((image): image is Uint8Array => !(image instanceof FerError));
  const results = (await pool.classify(readable, { topk, ...limits, signal })).values();
  return items.map((item, i) => {
    const image = images[i];
    if (image instanceof FerError) return [item, image];
    const { predictions, error } = results.next().value as PoolResult;
    return [item, predictions ?? new FerError(error.code, nameItem(error.message, item.ref), { cause: error })];
  });
}

/** Times that an item may end its worker when it is alone in hand. */
const DEATHS = 2;

/** Files or addresses that are read at a time. */
const READERS = 8;

/** The pool knows bytes alone: "Uint8Array of 12 bytes is text". */
function nameItem(message: string, ref: string): string {
  return message.includes(ref) ? message : `${ref}: ${message}`.replace(/: Uint8Array of \d+ bytes\b/, '');
}

function outcomeOf({ id, ref: item }: QueueItem, result: Classified | FerError): Outcome {
  const failed = result instanceof FerError;
  const { code, message } = failed ? result : { code: undefined, message: undefined };
  const line: ItemResult = failed
    ? { item, error: { code: code as FerErrorCode, message: message as string } }
    : { item, predictions: result };
  return { id, failed, line: `${JSON.stringify(line)}\n` };
}

/** Until it succeeds or the worker is stopped: 0.1 s, 0.2 s, ... 5 s apart. */
async function persist(work: () => Promise<void>, { signal, onTrouble }: JobTools): Promise<void> {
  for (let wait = 100; ; wait = Math.min(2 * wait, 5000)) {
    try {
      signal.throwIfAborted();
      return await work();
    } catch (error) {
      if (signal.aborted) throw error;
      const said = error instanceof Error ? error.message : String(error);
      onTrouble(
        error instanceof FerError ? error : new FerError('UNREACHABLE', `the sink fails: ${said}`, { cause: error }),
      );
    }
    await sleep(wait, undefined, { signal });
  }
}

async function inParallel<Item, Result>(
  items: readonly Item[],
  atATime: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const goOn = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index]);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atATime, items.length) }, goOn));
  return results;
}
