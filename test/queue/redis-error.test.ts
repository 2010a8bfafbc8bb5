import { describe, expect, test } from 'vitest';
import { FerError } from '../../src/errors.js';
import { QueueStop } from '../../src/queue/queue-stop.js';
import { redisError } from '../../src/queue/redis-error.js';

describe('an error of Redis', () => {
  test.each([
    'OOM command not allowed',
    'LOADING Redis is loading the dataset in memory',
    'READONLY You cannot write against a read only replica',
    'connect ECONNREFUSED 127.0.0.1:6379',
    'CLUSTERDOWN Hash slot not served',
    'NOTWRONGTYPE',
  ])('that passes is UNREACHABLE: %s', (reason) => {
    const cause = new Error(reason);
    const error = redisError(cause, 'faces');
    expect(error).toMatchObject({
      code: 'UNREACHABLE',
      message: `Redis refuses the queue faces: ${reason}`,
      cause,
    });
    expect(error).not.toBeInstanceOf(QueueStop);
  });

  test.each([
    'WRONGTYPE Operation against a key',
    'NOPERM this user has no permissions',
    'NOAUTH Authentication required.',
    'WRONGPASS invalid username-password pair',
    'CROSSSLOT Keys in request',
    'MOVED 1 127.0.0.1:1',
    'ERR unknown command EVAL',
  ])('that does not pass stops the worker: %s', (reason) => {
    const cause = new Error(reason);
    const error = redisError(cause, 'faces');
    expect(error).toBeInstanceOf(QueueStop);
    expect(error).toMatchObject({ code: 'QUEUE', message: `Redis refuses the queue faces: ${reason}`, cause });
  });

  test.each([
    ['FERLOST a bucket of items script: 12', 'a bucket of items script'],
    ['ReplyError: FERLOST the counts', 'the counts'],
    ['FERLOST', 'the ledger'],
  ])('of our scripts says what is gone, and what to do: %s', (reason, what) => {
    const cause = new Error(reason);
    const error = redisError(cause, 'faces');
    expect(error).toBeInstanceOf(QueueStop);
    expect(error).toMatchObject({ code: 'QUEUE', cause });
    expect(error.message).toBe(
      `${what} of the queue faces is gone from Redis, which was emptied or evicted it. Results files are unchanged. Set maxmemory-policy to noeviction, delete the keys fer:{faces}:*, enqueue again and start workers on the same results files: images with a result in them are not classified again`,
    );
  });

  test('that is a FerError already does not change', () => {
    const error = new FerError('ABORTED', 'WRONGTYPE');
    expect(redisError(error, 'faces')).toBe(error);
  });
});
