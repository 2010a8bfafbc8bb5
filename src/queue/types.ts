import type { RedisOptions } from 'ioredis';
import type { Prediction } from '../classify/prediction.js';
import type { FerErrorCode } from '../errors.js';

/**
 * Names an image: a path, an http(s) address (an object store's, signed if need be), or the bytes of an encoded image, 256
 * KiB at most.
 */
export type ItemReference = string | Uint8Array;

/** Where Redis is: `redis://host:6379`, `rediss://…` for TLS, or ioredis options. */
export type RedisConnection = string | RedisOptions;

/** Which queue. */
export interface QueueAddress {
  connection: RedisConnection;
  /**
   * Name of the queue. Items are classified once in each.
   * @default 'faces'
   */
  queue?: string;
}

/** What became of an item; one line of a results file. */
export type ItemResult =
  /** `item`: the reference, or `sha256:…` of bytes. */
  { item: string; predictions: Prediction[] } | { item: string; error: { code: FerErrorCode; message: string } };

/** What became of a batch. */
export interface BatchReport {
  done: number;
  failed: number;
  /** Seconds from taking the batch until its results were recorded. */
  seconds: number;
}
