import type { Redis, RedisOptions } from 'ioredis';
import { describeInput } from '../describe-input.js';
import { FerError, reasonOf } from '../errors.js';
import { importOptional } from '../platform/import-optional.js';
import type { QueueAddress, RedisConnection } from './types.js';

/** A queue's name and the connection to it. */
export interface QueueConnection {
  name: string;
  redis: Redis;
  bullmq: typeof import('bullmq');
  /** Ends the connection. */
  close(): Promise<void>;
}

export interface ConnectOptions {
  /**
   * What happens when Redis is lost: `'wait'` retries forever, at most 2 s apart, and keeps commands of that time
   * then; `'fail'` gives up after some seconds, and at once when the first connection fails.
   */
  whenLost: 'wait' | 'fail';
  /** Called at each loss, for a log. */
  onError?: (error: FerError) => void;
}

/**
 * Connects to Redis.
 *
 * @throws FerError `PACKAGE_MISSING` without `bullmq` or `ioredis`; `OPTION` for an invalid name or address;
 * `UNREACHABLE` when Redis does not answer within 10 s, or refuses the password.
 */
export async function connect(address: QueueAddress, options: ConnectOptions): Promise<QueueConnection> {
  const { connection, queue: name = 'faces' } = address;
  if (typeof name !== 'string' || !/^[\w.-]{1,100}$/.test(name)) {
    throw new FerError(
      'OPTION',
      `a queue's name may have only letters, digits, '.', '_' and '-', got ${describeInput(name)}`,
    );
  }
  const purpose = 'fer-dcnn/queue';
  const ioredis = await importOptional('ioredis', () => import('ioredis'), purpose);
  const bullmq = await importOptional('bullmq', () => import('bullmq'), purpose);
  const redis = new ioredis.Redis({
    ...redisOptions(connection),
    lazyConnect: true,
    maxRetriesPerRequest: options.whenLost === 'wait' ? null : 5,
    retryStrategy: (times) => Math.min(100 * 2 ** Math.min(times, 5), 2000),
    connectTimeout: 5000,
    keepAlive: 10_000,
  });
  const where = `Redis at ${placeOf(redis.options)}`;
  let last: Error | undefined;
  redis.on('error', (error: Error) => {
    last = error;
    options.onError?.(new FerError('UNREACHABLE', `${where} does not answer: ${reasonOf(error)}`, { cause: error }));
  });
  const refused = new Promise<never>((_, reject) => {
    redis.on('error', (error) => {
      // Waiting does not help against a wrong password.
      if (options.whenLost === 'fail' || /NOAUTH|WRONGPASS|NOPERM/.test(error.message)) reject(error);
    });
  });
  refused.catch(() => {});
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(last ?? new Error('no answer within 10 s')), FIRST_ANSWER_MS);
  });
  try {
    redis.connect().catch(() => {});
    await Promise.race([redis.ping(), refused, late]);
  } catch (error) {
    redis.disconnect();
    const reason = reasonOf(last ?? error) || 'connection refused';
    throw new FerError('UNREACHABLE', `${where} does not answer: ${reason}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
  return {
    name,
    redis,
    bullmq,
    async close() {
      if (redis.status === 'ready') await redis.quit().catch(() => redis.disconnect());
      else redis.disconnect();
    },
  };
}

const FIRST_ANSWER_MS = 10_000;

function placeOf({ host, port, path, sentinels, name }: RedisOptions): string {
  const hosts = (sentinels ?? []).map((each) => `${each.host}:${each.port ?? 26379}`);
  if (hosts.length > 0) return `${name} by the sentinels ${hosts.join(', ')}`;
  return path ?? `${host}:${port}`;
}

function redisOptions(connection: RedisConnection): Record<string, unknown> {
  if (typeof connection !== 'string') return { ...(connection as Record<string, unknown>) };
  const url = URL.canParse(connection) ? new URL(connection) : null;
  if (url === null || !['redis:', 'rediss:'].includes(url.protocol)) {
    // Not the address itself: it may contain a password.
    const given = url === null ? `${connection.length} characters that are not an address` : `${url.protocol}//...`;
    throw new FerError('OPTION', `a Redis address is redis://host:6379 or rediss://host:6379, got ${given}`);
  }
  const db = url.pathname.slice(1);
  if (!/^\d*$/.test(db)) throw new FerError('OPTION', `the path of ${url.host} must be the number of a database`);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || 6379),
    ...(url.username && { username: decoded(url.username) }),
    ...(url.password && { password: decoded(url.password) }),
    ...(db && { db: Number(db) }),
    ...(url.protocol === 'rediss:' && { tls: {} }),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new FerError(
      'OPTION',
      "Redis's name or password has a % that is not of an escape such as %40: write it as %25",
    );
  }
}
