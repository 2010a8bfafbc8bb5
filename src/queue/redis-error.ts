import { FerError, reasonOf } from '../errors.js';
import { QueueStop } from './queue-stop.js';

/**
 * Turns an error of Redis into a FerError: `UNREACHABLE` for temporary errors (no connection, no memory, a server that is loading
 * or is a replica), `QUEUE` for others.
 *
 * @param queue - Its name, for the message.
 */
export function redisError(error: unknown, queue: string): FerError {
  if (error instanceof FerError) return error;
  const reason = reasonOf(error);
  if (reason.includes('FERLOST')) {
    const what = /FERLOST ([a-z ]*[a-z])/.exec(reason)?.[1] ?? 'the ledger';
    return new QueueStop(
      `${what} of the queue ${queue} is gone from Redis, which was emptied or evicted it. Results files are unchanged. Set maxmemory-policy to noeviction, delete the keys fer:{${queue}}:*, enqueue again and start workers on the same results files: images with a result in them are not classified again`,
      { cause: error },
    );
  }
  const message = `Redis refuses the queue ${queue}: ${reason}`;
  return PERMANENT.test(reason)
    ? new QueueStop(message, { cause: error })
    : new FerError('UNREACHABLE', message, { cause: error });
}

/** Permanent errors: another type at a key, no permission, another data layout. */
const PERMANENT = /\b(WRONGTYPE|NOPERM|NOAUTH|WRONGPASS|CROSSSLOT|MOVED|ERR unknown command)\b/;
