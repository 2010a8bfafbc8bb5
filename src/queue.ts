/** Many machines, one queue: BullMQ on Redis. For Node. */
export { createMetrics, type QueueMetrics } from './queue/create-metrics.js';
export { type CreateWorkerOptions, createWorker, type QueueWorker } from './queue/create-worker.js';
export { type Enqueued, type EnqueueOptions, enqueue } from './queue/enqueue.js';
export { type EnqueueFolderOptions, enqueueFolder } from './queue/enqueue-folder.js';
export type { IdentifiedResult } from './queue/function-sink.js';
export { jsonLines } from './queue/json-lines.js';
export type { ItemState, Outcome, Placed } from './queue/ledger.js';
export { type QueueStatus, queueStatus } from './queue/queue-status.js';
export type { ReadItemOptions } from './queue/read-item.js';
export { redisStream } from './queue/redis-stream.js';
export type { Ledger, ResultSink } from './queue/result-sink.js';
export type {
  BatchReport,
  FaceResult,
  ItemReference,
  ItemResult,
  QueueAddress,
  RedisConnection,
  RedisConnectionOptions,
} from './queue/types.js';
