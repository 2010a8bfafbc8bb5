import { optionsOf } from '../options.js';
import { importOptional } from '../platform/import-optional.js';
import { connect } from './connect.js';
import { addressRules } from './queue-options.js';
import { statusOf } from './queue-status.js';
import type { BatchReport, QueueAddress } from './types.js';

/** Figures of a queue and of this process's worker, for Prometheus. */
export interface QueueMetrics {
  /** Content type of {@link text}. */
  readonly contentType: string;
  /** Pass it to `createWorker` as `onBatch`. */
  observe(batch: BatchReport): void;
  /** All figures now, in Prometheus's text form. */
  text(): Promise<string>;
  /** Ends the connection. */
  close(): Promise<void>;
}

/**
 * Gathers metrics, with `prom-client`:
 *
 * | name | kind | what |
 * | --- | --- | --- |
 * | `fer_queue_items{state}` | gauge | the queue's items: waiting, active, completed, failed |
 * | `fer_worker_items_total{outcome}` | counter | this worker's results: done, failed |
 * | `fer_worker_items_per_second` | gauge | its results per second, over the last minute |
 * | `fer_worker_batch_seconds{quantile}` | summary | from taking a batch until its results are recorded, 0.5 and 0.95, of the last ten minutes |
 *
 * @throws FerError `PACKAGE_MISSING`, `UNREACHABLE`, `OPTION`.
 * @example
 * const metrics = await createMetrics({ connection });
 * await createWorker({ connection, roots, sink, onBatch: metrics.observe });
 * http.createServer(async (_, response) => response.end(await metrics.text())).listen(9464, '127.0.0.1');
 */
export async function createMetrics(address: QueueAddress): Promise<QueueMetrics> {
  checkAddress(address);
  const { Counter, Gauge, Registry, Summary } = await importOptional(
    'prom-client',
    () => import('prom-client'),
    'createMetrics',
  );
  const connection = await connect(address, { whenLost: 'fail' });
  const registry = new Registry();
  registry.setDefaultLabels({ queue: connection.name });
  const registers = [registry];
  new Gauge({
    name: 'fer_queue_items',
    help: 'Items of the queue',
    labelNames: ['state'],
    registers,
    async collect() {
      for (const [name, count] of Object.entries(await statusOf(connection))) this.set({ state: name }, count);
    },
  });

  const items = new Counter({
    name: 'fer_worker_items_total',
    help: 'Results of this worker',
    labelNames: ['outcome'],
    registers,
  });
  items.inc({ outcome: 'done' }, 0);
  items.inc({ outcome: 'failed' }, 0);
  const recent: { at: number; count: number }[] = [];
  const started = performance.now();
  new Gauge({
    name: 'fer_worker_items_per_second',
    help: 'Results of this worker per second, over the last minute',
    registers,
    collect() {
      const now = performance.now();
      while (recent.length > 0 && recent[0].at < now - MINUTE) recent.shift();
      const seconds = Math.max(1, Math.min(MINUTE, now - started) / 1000);
      this.set(recent.reduce((sum, { count }) => sum + count, 0) / seconds);
    },
  });
  const latency = new Summary({
    name: 'fer_worker_batch_seconds',
    help: 'From taking a batch until its results are recorded',
    percentiles: [0.5, 0.95],
    maxAgeSeconds: 600,
    ageBuckets: 5,
    registers,
  });
  return {
    contentType: registry.contentType,
    observe({ done, failed, seconds }) {
      items.inc({ outcome: 'done' }, done);
      items.inc({ outcome: 'failed' }, failed);
      latency.observe(seconds);
      recent.push({ at: performance.now(), count: done + failed });
    },
    text: () => registry.metrics(),
    close: connection.close,
  };
}

const checkAddress = optionsOf<QueueAddress>('createMetrics', () => addressRules, 'connection');

const MINUTE = 60_000;
