import type { Queue } from 'bullmq';
import type { QueueConnection } from './connect.js';
import { jobDataOf, jobId, type QueueItem } from './items.js';
import { redisError } from './redis-error.js';

/**
 * Adds a job for each batch of items. A job that already waits or runs is not added again; other jobs with the same id
 * are replaced.
 *
 * @throws FerError `UNREACHABLE` or `QUEUE` for errors of Redis.
 */
export async function addJobs(
  batches: readonly (readonly QueueItem[])[],
  queue: Queue,
  { redis, name }: QueueConnection,
): Promise<void> {
  const jobs = batches.map((batch) => ({
    name: 'classify',
    data: jobDataOf(batch),
    opts: { ...JOB_OPTIONS, jobId: jobId(batch) },
  }));
  try {
    const ids = jobs.map(({ opts }) => opts.jobId);
    if (ids.length > 0 && (await redis.exists(...ids.map((id) => queue.toKey(id)))) > 0) {
      await Promise.all(
        ids.map(async (id) => {
          // BullMQ adds no second job of the same name.
          if (ENDED.has(await queue.getJobState(id))) await queue.remove(id);
        }),
      );
    }
    await queue.addBulk(jobs);
  } catch (error) {
    throw redisError(error, name);
  }
}

const JOB_OPTIONS = {
  // The ledger knows which items are done; finished jobs are not needed.
  removeOnComplete: true,
  removeOnFail: { count: 100_000 },
  // For servers that do not answer: after 1, 2, 4, ... s.
  attempts: 6,
  backoff: { type: 'exponential', delay: 1000 },
};

/** `unknown`: the job is not in any list. */
const ENDED = new Set(['failed', 'completed', 'unknown']);
