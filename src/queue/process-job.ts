import { setTimeout as sleep } from 'node:timers/promises';
import type { Job } from 'bullmq';
import type { DetectedFace } from '../classify/faces-on.js';
import type { Predictions } from '../classify/prediction.js';
import { FerError, type FerErrorCode } from '../errors.js';
import type { ByteBudget } from '../platform/byte-budget.js';
import type { ClassifierPool } from '../pool/classifier-pool.js';
import type { PoolFacesOptions } from '../pool/pool-item.js';
import type { ImageLimits } from '../runtime.js';
import { itemsOf, jobDataOf, type QueueItem } from './items.js';
import type { Ledger, Outcome, Placed } from './ledger.js';
import { QueueStop } from './queue-stop.js';
import type { ItemReader } from './read-item.js';
import type { ResultSink } from './result-sink.js';
import type { BatchReport, FaceResult, ItemResult } from './types.js';

/** The dependencies of job processing. */
export interface JobTools {
  bullmq: typeof import('bullmq');
  pool: ClassifierPool<string, boolean | PoolFacesOptions>;
  read: ItemReader;
  ledger: Ledger;
  sink: ResultSink;
  topk?: number;
  limits: ImageLimits;
  /** Bytes of images held by all jobs of the worker. */
  budget: ByteBudget;
  /** Number of results delivered by all jobs of the worker. */
  delivered: { count: number };
  /** Ends the work: items without a delivered result go back to the queue. */
  signal: AbortSignal;
  onBatch?: (batch: BatchReport) => void;
  onTrouble: (error: FerError) => void;
  /** Ends the worker. */
  stop: (reason: QueueStop) => void;
}

/**
 * Classifies the items of a job that have no result yet, and delivers the results.
 *
 * @throws UnrecoverableError that names the images that cannot be classified, after their results have been delivered; the job
 * then contains only these. WaitingError when the worker is stopped; DelayedError when another worker has to write results of the
 * job. QueueStop when the worker has to end. Error when a server did not answer: BullMQ tries the job again.
 */
export async function processJob(job: Job, token: string | undefined, tools: JobTools): Promise<void> {
  const { bullmq, ledger, signal } = tools;
  const began = performance.now();
  const items = readJob(job, tools);
  try {
    const states = await persist(() => ledger.states(items.map(({ id }) => id)), tools);
    const placed = states.filter((state): state is Placed => typeof state === 'object');
    const elsewhere = placed.length > 0 ? await finish(placed, tools) : undefined;
    const poison: [QueueItem, string][] = [];
    const open: QueueItem[] = [];
    const damaged = new Set<string>();
    items.forEach((item, i) => {
      if (states[i] === 'waiting' || states[i] === 'damaged') open.push(item);
      if (states[i] === 'damaged') damaged.add(item.id);
      if (states[i] === 'failed') poison.push([item, 'failed before: its result says why']);
    });

    // Perhaps one of these images made a worker die: classified one at a time, it is found.
    const suspicious = job.stalledCounter > 0;
    const triesLeft = job.attemptsMade + 1 < (job.opts.attempts ?? 1);
    const unreachable: FerError[] = [];
    for (const group of suspicious ? open.map((item) => [item]) : [open]) {
      const classified: [QueueItem, Outcome][] = [];
      for (const [item, result] of await classify(group, suspicious, tools)) {
        if (result instanceof FerError && result.code === 'UNREACHABLE' && triesLeft) unreachable.push(result);
        else classified.push([item, { ...outcomeOf(item, result), replaces: damaged.has(item.id) }]);
      }
      if (classified.length === 0) continue;
      const outcomes = await deliver(classified, tools);
      if (suspicious) await persist(() => ledger.forget(group.map(({ id }) => id)), tools);
      outcomes.forEach(({ failed, line }, i) => {
        if (failed) poison.push([classified[i][0], reasonIn(line)]);
      });
      const failed = outcomes.filter((outcome) => outcome.failed).length;
      const seconds = (performance.now() - began) / 1000;
      tools.onBatch?.({ done: outcomes.length - failed, failed, seconds });
    }
    if (unreachable.length > 0) throw unreachable[0];
    if (elsewhere !== undefined) {
      tools.onTrouble(elsewhere);
      await job.moveToDelayed(Date.now() + ELSEWHERE_MS, token);
      throw new bullmq.DelayedError();
    }
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
    if (error instanceof QueueStop) tools.stop(error);
    if (!signal.aborted || error instanceof bullmq.UnrecoverableError || error instanceof bullmq.DelayedError)
      throw error;
    await job.moveToWait(token);
    throw new bullmq.WaitingError();
  }
}

/** Most reasons in the message of a failed job. */
const REASONS = 10;

/** Time before the job looks again for results that another worker has to write. */
const ELSEWHERE_MS = 10_000;

function readJob(job: Job, { bullmq }: JobTools): QueueItem[] {
  try {
    return [...new Map(itemsOf(job.data).map((item) => [item.id, item])).values()];
  } catch (error) {
    throw new bullmq.UnrecoverableError((error as Error).message);
  }
}

/** Either the predictions for one face, or the faces of an image. */
type Classified = { predictions: Predictions<string> } | { faces: FaceResult<string>[] };

/** Reads images while there is memory for them and classifies them as they arrive, so that a job may be larger than the memory. */
async function classify(
  items: readonly QueueItem[],
  suspicious: boolean,
  tools: JobTools,
  transfer = true,
): Promise<[QueueItem, Classified | FerError][]> {
  const { pool, read, ledger, topk, limits, budget, signal } = tools;
  const results = new Map<QueueItem, Classified | FerError>();
  const held = new Map<QueueItem, number>();
  const lost: QueueItem[] = [];
  const giveBack = (item: QueueItem) => {
    budget.give(held.get(item) ?? 0);
    held.delete(item);
  };

  async function imageOf(item: QueueItem): Promise<{ image: Uint8Array; item: QueueItem } | null> {
    signal.throwIfAborted();
    if (suspicious && (await ledger.begin(item.id)) >= DEATHS) {
      results.set(item, new FerError('WORKER', `${item.ref}: ${DEATHS} workers ended while they classified it`));
      return null;
    }
    try {
      const room = async (bytes: number) => {
        await budget.take(bytes, signal);
        held.set(item, bytes);
      };
      return { image: await read(item, signal, room), item };
    } catch (error) {
      giveBack(item);
      signal.throwIfAborted();
      results.set(item, error instanceof FerError ? error : new FerError('INPUT', String(error), { cause: error }));
      return null;
    }
  }

  try {
    const images = asTheyCome(items, READERS, imageOf);
    const options = { topk, ...limits, signal, transfer };
    for await (const { item: image, predictions, faces, error } of pool.classifyStream(images, options)) {
      const { item } = image;
      giveBack(item);
      if (predictions !== undefined) results.set(item, { predictions });
      else if (faces !== undefined) results.set(item, { faces: faces.map(faceResult) });
      else results.set(item, new FerError(error.code, nameItem(error.message, item.ref), { cause: error }));
      if (transfer && error?.code === 'WORKER') lost.push(item);
    }
    // Their bytes are lost with the thread.
    const again = lost.length > 0 ? await classify(lost, false, tools, false) : [];
    for (const [item, result] of again) results.set(item, result);
  } finally {
    for (const item of [...held.keys()]) giveBack(item);
  }
  return items.map((item) => [item, results.get(item) as Classified | FerError]);
}

function faceResult({ box, score, predictions }: DetectedFace<string>): FaceResult<string> {
  return { box, score, predictions };
}

/** Number of workers that may die of an item before it counts as an error. */
const DEATHS = 2;

/** Files or addresses read at a time. */
const READERS = 8;

/** The message and code of a result with an error. */
function reasonIn(line: string): string {
  const { error } = JSON.parse(line) as { error: { code: string; message: string } };
  return `${error.message} [${error.code}]`;
}

/** The pool's messages name bytes, not files: "Uint8Array of 12 bytes is text". */
function nameItem(message: string, ref: string): string {
  return message.includes(ref) ? message : `${ref}: ${message}`.replace(/: Uint8Array of \d+ bytes\b/, '');
}

function outcomeOf({ id, ref: item }: QueueItem, result: Classified | FerError): Outcome {
  const failed = result instanceof FerError;
  const { code, message } = failed ? result : { code: undefined, message: undefined };
  const line: ItemResult<string, boolean> = failed
    ? { item, error: { code: code as FerErrorCode, message: message as string } }
    : { item, ...result };
  return { id, failed, line: `${JSON.stringify(line)}\n` };
}

/** Writes results that have a place already. @returns The error when only another worker can write them. */
async function finish(placed: readonly Placed[], tools: JobTools): Promise<FerError | undefined> {
  return persist(async () => {
    try {
      await tools.sink.finish(placed);
      return undefined;
    } catch (error) {
      if (error instanceof FerError && error.code === 'QUEUE' && !(error instanceof QueueStop)) return error;
      throw error;
    }
  }, tools);
}

/**
 * Delivers results together, and when a function throws, one by one. A result that it refuses again and again while it accepts
 * others is replaced by an error.
 *
 * @returns The delivered results.
 */
async function deliver(classified: readonly [QueueItem, Outcome][], tools: JobTools): Promise<Outcome[]> {
  const outcomes = classified.map(([, outcome]) => outcome);
  const failures = outcomes.map(() => 0);
  const seen = tools.delivered.count;
  let open = outcomes.map((_, i) => i);
  while (open.length > 0) {
    const together = open.map((i) => outcomes[i]);
    const reason = await offer(together, tools, TRIES);
    if (reason === undefined) return outcomes;
    // When the disk or Redis is away, delivering one by one does not help.
    if (reason instanceof FerError) {
      await sleep(AWAY_MS, undefined, { signal: tools.signal });
      continue;
    }

    const left: number[] = [];
    for (const i of open) {
      if ((await offer([outcomes[i]], tools, 1)) === undefined) continue;
      left.push(i);
      failures[i]++;
    }
    open = left;
    if (tools.delivered.count === seen) continue;
    for (const i of open.filter((each) => failures[each] >= TRIES && !outcomes[each].failed)) {
      const [item, { replaces }] = classified[i];
      const message = `${item.ref}: the sink accepts other results but refuses this one, after ${TRIES} rounds of tries`;
      outcomes[i] = { ...outcomeOf(item, new FerError('QUEUE', message)), replaces };
    }
  }
  return outcomes;
}

/** Offers results to the sink, up to `tries` times. @returns The last error, or nothing on success. */
async function offer(outcomes: readonly Outcome[], tools: JobTools, tries: number): Promise<unknown> {
  let reason: unknown;
  const deliverOnce = async () => {
    try {
      await tools.sink.deliver(outcomes);
      tools.delivered.count += outcomes.length;
      return true;
    } catch (error) {
      reason = error ?? new Error('the sink throws undefined');
      throw error;
    }
  };
  return (await atMost(tries, deliverOnce, tools)) ? undefined : reason;
}

/** Time between rounds of tries while the disk or Redis is away. */
const AWAY_MS = 1000;

/** Number of tries with all results before each is tried alone, and number of such rounds before a result is given up. */
const TRIES = 4;

/** Retries until it succeeds or the worker is stopped. @throws QueueStop, which is not retried. */
async function persist<Result>(work: () => Promise<Result>, tools: JobTools): Promise<Result> {
  return (await atMost(Number.POSITIVE_INFINITY, work, tools)) as Result;
}

/** Up to `tries` tries, 0.1 s, 0.2 s, ... 5 s apart. @returns Nothing when all failed. */
async function atMost<Result>(
  tries: number,
  work: () => Promise<Result>,
  { signal, onTrouble }: JobTools,
): Promise<Result | undefined> {
  for (let left = tries, wait = 100; left > 0; left--, wait = Math.min(2 * wait, 5000)) {
    try {
      signal.throwIfAborted();
      return await work();
    } catch (error) {
      if (signal.aborted || error instanceof QueueStop) throw error;
      const said = error instanceof Error ? error.message : String(error);
      onTrouble(
        error instanceof FerError ? error : new FerError('UNREACHABLE', `the sink fails: ${said}`, { cause: error }),
      );
    }
    if (left > 1) await sleep(wait, undefined, { signal });
  }
  return undefined;
}

/** Yields the results of work on items in the order in which they are ready, without null. Work starts only while results are read. */
async function* asTheyCome<Item, Result>(
  items: readonly Item[],
  atATime: number,
  work: (item: Item) => Promise<Result | null>,
): AsyncGenerator<Result, void, undefined> {
  const running = new Map<Item, Promise<{ item: Item; result: Result | null; error?: unknown }>>();
  const left = [...items].reverse();
  while (left.length > 0 || running.size > 0) {
    while (left.length > 0 && running.size < atATime) {
      const item = left.pop() as Item;
      const one = work(item).then(
        (result) => ({ item, result }),
        (error) => ({ item, result: null, error }),
      );
      running.set(item, one);
    }
    const done = await Promise.race(running.values());
    running.delete(done.item);
    if ('error' in done) throw done.error;
    if (done.result !== null) yield done.result;
  }
}
