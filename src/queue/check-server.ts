import type { Redis } from 'ioredis';
import { FerError } from '../errors.js';

/**
 * Checks the configuration of a Redis server.
 *
 * @throws FerError `OPTION` for a Redis Cluster, and for a server that evicts keys when its memory is full: a queue
 * needs all of its keys.
 */
export async function checkServer(redis: Redis): Promise<void> {
  // A server that does not tell its configuration is accepted.
  const told = await redis.info().catch(() => '');
  const lines = told.split('\n').map((line) => line.trim().split(':', 2));
  const answers = new Map(lines.map(([name, answer]) => [name, answer] as const));
  const of = (name: string) => answers.get(name);
  if (of('redis_mode') === 'cluster' || of('cluster_enabled') === '1') {
    throw new FerError(
      'OPTION',
      'this Redis is a Cluster, which a queue cannot use: use a Redis with replicas and Sentinel, or one per shard (docs/scaling.md)',
    );
  }
  const policy = of('maxmemory_policy') ?? 'noeviction';
  if (policy.startsWith('allkeys') && of('maxmemory') !== '0') {
    throw new FerError(
      'OPTION',
      `this Redis deletes keys when its memory is full (maxmemory-policy ${policy}), and results would be lost: set noeviction`,
    );
  }
}
