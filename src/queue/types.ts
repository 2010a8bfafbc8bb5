import type { RedisOptions } from 'ioredis';
import type { DetectedFace } from '../classify/faces-on.js';
import type { Prediction } from '../classify/prediction.js';
import type { Emotion } from '../emotions.js';
import type { FerErrorCode } from '../errors.js';
import type { PoolFacesOptions } from '../pool/pool-item.js';

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

/**
 * The result of an item: one line of a results file. `item` is the reference, or `sha256:…` of bytes.
 *
 * @typeParam Faces - `true` for workers that find faces.
 */
export type ItemResult<C extends string = Emotion, Faces extends boolean | PoolFacesOptions = false> =
  | (Faces extends false ? { item: string; predictions: Prediction<C>[] } : { item: string; faces: FaceResult<C>[] })
  | { item: string; error: { code: FerErrorCode; message: string } };

/** A face in a result: its box in pixels of the image, the score of the detector, and the classes, most probable first. */
export type FaceResult<C extends string = Emotion> = Pick<DetectedFace<C>, 'box' | 'score' | 'predictions'>;

/** Counts of a batch. */
export interface BatchReport {
  done: number;
  failed: number;
  /** Seconds from taking the batch until its results were recorded. */
  seconds: number;
}
