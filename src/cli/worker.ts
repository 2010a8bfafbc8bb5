import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { FerError, type FerErrorCode } from '../errors.js';
import type { QueueMetrics, QueueWorker } from '../queue.js';
import type { ImageLimits } from '../runtime.js';
import { EXIT, type ExitCode, exitCodeHelp } from './exit-code.js';
import { limitsOf, withLimitOptions } from './limit-options.js';
import { wholeNumber } from './numbers.js';
import { startProgress } from './progress.js';
import { QUEUE_ADVICE, type QueueFlags, withQueueOptions } from './queue-options.js';
import { errorLine } from './report-error.js';
import { runCommand } from './run-command.js';
import { tell } from './status-line.js';

interface WorkerFlags extends QueueFlags, ImageLimits {
  root?: string[];
  host?: string[];
  privateHost?: string[];
  out?: string;
  stream?: string;
  faces?: true;
  model?: string;
  topk?: number;
  concurrency?: number;
  lock: number;
  untilDone?: true;
  metricsPort?: number;
  quiet?: true;
}

/** `fer-dcnn worker` */
export function workerCommand(): Command {
  const run = runCommand(work, QUEUE_ADVICE);
  return withLimitOptions(withQueueOptions(new Command('worker')))
    .description('Classify the images of a queue until stopped: one result per image, also after crashes.')
    .option('--root <dir>', 'read images below this folder; may be given more than once', append)
    .option('--host <name>', 'read http(s) addresses of this host; may be given more than once', append)
    .option('--private-host <name>', 'as --host, for one in your own network', append)
    .option('--out <file>', 'write results to this file, one line of JSON per image; workers may share it')
    .option('--stream <key>', 'append results to this Redis stream instead')
    .option('--faces', 'find the faces of each image first; a result then lists its faces')
    .option('--model <folder>', 'your own model, written by saveModel() (default: the pretrained model)')
    .option('--topk <n>', 'number of classes in a result (default: all)', wholeNumber(1))
    .option('--concurrency <n>', 'number of threads (default: one per core)', wholeNumber(1, 1024))
    .option(
      '--lock <seconds>',
      'other workers take over the batches of a silent worker after this time',
      wholeNumber(1, 3600),
      30,
    )
    .option('--until-done', 'end when the queue is empty')
    .option(
      '--metrics-port <port>',
      "serve metrics in Prometheus's text format at http://127.0.0.1:<port>",
      wholeNumber(0, 65535),
    )
    .option('--quiet', 'show no progress; errors are still printed')
    .addHelpText('after', HELP)
    .action(async (flags: WorkerFlags) => {
      await run(flags);
      // The normal way to stop a worker, not a failure.
      if (process.exitCode === TERMINATED) process.exitCode = EXIT.ok;
    });
}

const HELP = `
On SIGTERM or Ctrl-C the worker takes no more images, finishes or returns those it has, and ends.
${exitCodeHelp({
  ok: 'stopped by SIGTERM, or with --until-done the queue is empty',
  none: 'wrong usage, or a required file or service cannot be used: no result is lost',
})}
Examples:
  fer-dcnn worker --redis redis://queue.internal --root /faces --out /results/faces.jsonl
  fer-dcnn worker --host images.example.com --stream faces:results --metrics-port 9464`;

const TERMINATED = 128 + 15;

function append(value: string, earlier: string[] = []): string[] {
  return [...earlier, value];
}

async function work(signal: AbortSignal, flags: WorkerFlags): Promise<ExitCode> {
  const { redis: connection, queue, out, stream, concurrency, model, faces, topk, quiet } = flags;
  if ((out === undefined) === (stream === undefined)) {
    throw new FerError('OPTION', 'results need a destination: --out <file>, or --stream <key>');
  }
  const { createMetrics, createWorker, jsonLines, redisStream } = await import('../queue.js');
  const progress = startProgress({ label: 'classifying', unit: 'images', quiet });
  const onTrouble = troubleTeller(tell);
  let worker: QueueWorker | undefined;
  let metrics: QueueMetrics | undefined;
  let server: Server | undefined;
  try {
    if (flags.metricsPort !== undefined) {
      metrics = await createMetrics({ connection, queue });
      server = await serve(metrics, flags.metricsPort);
    }
    worker = await createWorker({
      ...{ connection, queue, concurrency, model, faces, topk, ...limitsOf(flags) },
      ...{ roots: flags.root, hosts: flags.host, privateHosts: flags.privateHost },
      sink: out !== undefined ? jsonLines(out) : redisStream(stream as string),
      lockDuration: 1000 * flags.lock,
      onBatch(batch) {
        progress.advance(batch.done + batch.failed);
        metrics?.observe(batch);
      },
      onTrouble,
    });
    let stopped = false;
    worker.ended.then((error) => {
      stopped = error !== undefined;
    });
    if (flags.untilDone) {
      while (!signal.aborted && !stopped) {
        const { waiting, active } = await worker.status();
        if (waiting + active === 0) break;
        await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
      }
    } else if (!signal.aborted) {
      // Stays alive even while Redis is away.
      const alive = setInterval(() => {}, 1 << 30);
      await Promise.race([once(signal, 'abort'), worker.ended]);
      clearInterval(alive);
    }
    if (stopped) throw await worker.ended;
    return EXIT.ok;
  } finally {
    await worker?.close();
    server?.close();
    await metrics?.close();
    progress.end();
  }
}

const LOOK_MS = 500;

/** At most one line per error code in ten seconds: an outage of an hour does not print a thousand lines. */
function troubleTeller(print: (line: string) => void): (error: FerError) => void {
  const told = new Map<FerErrorCode, number>();
  return (error) => {
    if (performance.now() - (told.get(error.code) ?? Number.NEGATIVE_INFINITY) < QUIET_MS) return;
    told.set(error.code, performance.now());
    print(errorLine(error, '', { UNREACHABLE: 'retried until it answers' }));
  };
}

const QUIET_MS = 10_000;

async function serve(metrics: QueueMetrics, port: number): Promise<Server> {
  const server = createServer(async (_, response) => {
    try {
      const text = await metrics.text();
      response.setHeader('content-type', metrics.contentType).end(text);
    } catch (error) {
      response.writeHead(503).end(errorLine(error));
    }
  });
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new FerError('OPTION', `metrics cannot be served at port ${port}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const { port: bound } = server.address() as { port: number };
  tell(`fer-dcnn: metrics at http://127.0.0.1:${bound}\n`);
  return server;
}
