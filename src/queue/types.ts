import type { DetectedFace } from '../classify/faces-on.js';
import type { Predictions } from '../classify/prediction.js';
import type { Emotion } from '../emotions.js';
import type { FerErrorCode } from '../errors.js';
import type { PoolFacesOptions } from '../pool/pool-item.js';

/**
 * Names an image: a path, an http(s) address (for example a signed address of an object store), or the bytes of an encoded
 * image, at most 256 KiB.
 */
export type ItemReference = string | Uint8Array;

/** Where Redis is: `redis://host:6379`, `rediss://…` for TLS, or ioredis options. */
export type RedisConnection = string | RedisConnectionOptions;

/**
 * Options of ioredis, declared here so that these types do not need its types. To pass other options, use a variable of its
 * type `RedisOptions`.
 */
export interface RedisConnectionOptions {
  host?: string | undefined;
  port?: number | undefined;
  /** A socket's path, instead of host and port. */
  path?: string | undefined;
  /** 4 or 6. */
  family?: number | undefined;
  username?: string | undefined;
  password?: string | undefined;
  db?: number | undefined;
  /** Options of `tls.connect`; `{}` for TLS with the system's certificates. */
  tls?: object | undefined;
  connectionName?: string | undefined;
  /** Sentinel servers, which know the master, and its `name`. */
  sentinels?: { host?: string | undefined; port?: number | undefined }[] | undefined;
  name?: string | undefined;
  sentinelUsername?: string | undefined;
  sentinelPassword?: string | undefined;
  enableReadyCheck?: boolean | undefined;
  /** Set by this library: `null` in a worker. */
  maxRetriesPerRequest?: number | null | undefined;
}

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
  | (Faces extends false ? { item: string; predictions: Predictions<C> } : { item: string; faces: FaceResult<C>[] })
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
