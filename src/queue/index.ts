/** Many machines, one queue: BullMQ on Redis. For Node. */
export { createMetrics, type QueueMetrics } from './create-metrics.js';
export { type CreateWorkerOptions, createWorker, type QueueWorker } from './create-worker.js';
export { type Enqueued, type EnqueueOptions, enqueue } from './enqueue.js';
export { type EnqueueFolderOptions, enqueueFolder } from './enqueue-folder.js';
export type { IdentifiedResult } from './function-sink.js';
export { jsonLines } from './json-lines.js';
export { type QueueStatus, queueStatus } from './queue-status.js';
export type { ReadItemOptions } from './read-item.js';
export { redisStream } from './redis-stream.js';
export type { ResultSink } from './result-sink.js';
export type { BatchReport, ItemReference, ItemResult, QueueAddress, RedisConnection } from './types.js';
