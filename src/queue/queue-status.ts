import { optionsOf } from '../options.js';
import { connect, type QueueConnection } from './connect.js';
import { itemsOf } from './items.js';
import { Ledger } from './ledger.js';
import { addressRules } from './queue-options.js';
import { redisError } from './redis-error.js';
import type { QueueAddress } from './types.js';

/** Numbers of items. Their sum is all that were ever enqueued. */
export interface QueueStatus {
  /** Not yet with a worker, or returned by one. */
  waiting: number;
  /** With a worker. */
  active: number;
  /** With predictions, written and recorded. */
  completed: number;
  /** With an error, written and recorded. */
  failed: number;
}

/**
 * Counts a queue's items.
 *
 * @throws FerError `UNREACHABLE`, `OPTION`, `PACKAGE_MISSING`; `QUEUE` when part of the queue is gone from Redis.
 * @example
 * const { waiting, active } = await queueStatus({ connection: 'redis://localhost' });
 */
export async function queueStatus(address: QueueAddress): Promise<QueueStatus> {
  checkAddress(address);
  const connection = await connect(address, { whenLost: 'fail' });
  try {
    return await statusOf(connection);
  } finally {
    await connection.close();
  }
}

/** Like {@link queueStatus}, on an open connection. */
export async function statusOf({ bullmq, redis, name }: QueueConnection): Promise<QueueStatus> {
  const queue = new bullmq.Queue(name, { connection: redis });
  queue.on('error', () => {});
  try {
    const ledger = new Ledger(redis, name);
    const jobs = await queue.getActive(0, MOST_ACTIVE);
    const ids = new Set<string>();
    for (const job of jobs) {
      try {
        for (const { id } of itemsOf(job?.data)) ids.add(id);
      } catch {
        // A job of another program, or one that has ended since.
      }
    }
    const states = ids.size > 0 ? await ledger.states([...ids]) : [];
    const { total, done, failed } = await ledger.counts();
    const left = Math.max(0, total - done - failed);
    const active = Math.min(left, states.filter((state) => state !== 'done' && state !== 'failed').length);
    return { waiting: left - active, active, completed: done, failed };
  } catch (error) {
    throw redisError(error, name);
  } finally {
    await queue.close();
  }
}

const checkAddress = optionsOf<QueueAddress>('queueStatus', () => addressRules, 'connection');

const MOST_ACTIVE = 10_000;
