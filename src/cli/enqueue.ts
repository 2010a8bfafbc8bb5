import { Command } from 'commander';
import type { LeftOut } from '../node.js';
import { EXIT, type ExitCode, exitCodeHelp } from './exit-code.js';
import { tellReason } from './left-out.js';
import { wholeNumber } from './numbers.js';
import { startProgress } from './progress.js';
import { QUEUE_ADVICE, type QueueFlags, withQueueOptions } from './queue-options.js';
import { errorLine } from './report-error.js';
import { runCommand } from './run-command.js';
import { tell } from './status-line.js';

interface EnqueueFlags extends QueueFlags {
  batch: number;
  maxWaiting?: number;
  quiet?: true;
}

/** `fer-dcnn enqueue <dir>` */
export function enqueueCommand(): Command {
  return withQueueOptions(new Command('enqueue'))
    .description('Put the images of a folder into a queue, for workers on this or other machines.')
    .argument('<dir>', 'a folder; all images in it and below it are enqueued by their absolute paths')
    .option('--batch <n>', 'images that a worker takes at a time', wholeNumber(1, 1000), 50)
    .option('--max-waiting <n>', 'pause while n images wait for workers (default: no limit)', wholeNumber(1))
    .option('--quiet', 'show no progress')
    .addHelpText('after', HELP)
    .action(runCommand(run, QUEUE_ADVICE));
}

const HELP = `${exitCodeHelp({
  ok: 'all images are in the queue; an image that was in it before is not added again',
  some: 'some images were refused: standard error says which and why',
})}
Examples:
  fer-dcnn enqueue /faces --redis redis://queue.internal
  fer-dcnn enqueue /faces --queue 2026-11 --max-waiting 1000000`;

async function run(signal: AbortSignal, dir: string, flags: EnqueueFlags): Promise<ExitCode> {
  const { enqueueFolder } = await import('../queue.js');
  const progress = startProgress({ label: 'enqueuing', unit: 'images', quiet: flags.quiet });
  const { redis: connection, queue, batch: batchSize, maxWaiting } = flags;
  try {
    const leftOut = new Map<string, LeftOut & { count: number }>();
    const { items, fresh, refused } = await enqueueFolder(dir, {
      ...{ connection, queue, batchSize, signal },
      ...(maxWaiting !== undefined && { maxWaiting }),
      onLeftOut: (each) => leftOut.set(each.reason, { ...each, count: 1 + (leftOut.get(each.reason)?.count ?? 0) }),
      onProgress: (enqueued) => progress.at(enqueued.items),
      onRefused: (error) => tell(errorLine(error)),
    });
    for (const { count, ...last } of leftOut.values()) tellReason(last, count, dir, flags.quiet);
    progress.end();
    process.stdout.write(`${items} images, ${fresh} of them new to the queue ${queue}\n`);
    return refused > 0 ? EXIT.some : EXIT.ok;
  } finally {
    progress.end();
  }
}
