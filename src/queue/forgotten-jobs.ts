import type { Job, Worker } from 'bullmq';
import type { FerError } from '../errors.js';
import { addJobs } from './add-jobs.js';
import type { QueueConnection } from './connect.js';
import { itemsOf } from './items.js';
import type { Ledger } from './ledger.js';

/**
 * Checks each job that ends after its connection was lost. Redis may have been restarted without the results of the job, and then
 * have marked the job as done, so that its items would wait forever. Such a job is added again.
 *
 * @param onTrouble - Called when that fails; a new `enqueue` then helps.
 * @returns `began`: reports a job before any of its results is recorded; `settled`: waits for running checks.
 */
export function addForgottenJobs(
  worker: Worker,
  connection: QueueConnection,
  ledger: Ledger,
  onTrouble: (error: FerError) => void,
) {
  const { bullmq, redis, name } = connection;
  let losses = 0;
  redis.on('close', () => {
    losses++;
  });
  const begun = new WeakMap<Job, { losses: number; data: unknown }>();
  const looking = new Set<Promise<void>>();

  async function look(data: unknown): Promise<void> {
    const items = itemsOf(data);
    const states = await ledger.states(items.map(({ id }) => id));
    if (states.every((state) => state === 'done' || state === 'failed')) return;
    const queue = new bullmq.Queue(name, { connection: redis });
    queue.on('error', () => {});
    try {
      await addJobs([items], queue, connection);
    } finally {
      await queue.close();
    }
  }

  for (const event of ['completed', 'failed'] as const) {
    worker.on(event, (job: Job | undefined) => {
      const before = job && begun.get(job);
      if (before === undefined || before.losses === losses) return;
      const looked = look(before.data).catch(onTrouble);
      looking.add(looked);
      looked.finally(() => looking.delete(looked));
    });
  }

  return {
    began(job: Job): void {
      begun.set(job, { losses, data: job.data });
    },
    async settled(): Promise<void> {
      await Promise.all(looking);
    },
  };
}
