import { Command } from 'commander';
import { EXIT, type ExitCode, exitCodeHelp } from './exit-code.js';
import { QUEUE_ADVICE, type QueueFlags, withQueueOptions } from './queue-options.js';
import { runCommand } from './run-command.js';

interface StatusFlags extends QueueFlags {
  json?: true;
}

/** `fer-dcnn queue status` */
export function queueCommand(): Command {
  const status = withQueueOptions(new Command('status'))
    .description('Count the images of a queue.')
    .option('--json', 'print JSON: { waiting, active, completed, failed }')
    .addHelpText('after', HELP)
    .action(runCommand(run, QUEUE_ADVICE));
  return new Command('queue').description('Show the state of a queue.').addCommand(status);
}

const HELP = `
  waiting    no worker has them yet, or a worker returned them
  active     a worker has them
  completed  their results have predictions
  failed     their results have an error
The sum is the number of all images that were ever enqueued.
${exitCodeHelp({ ok: 'counted' })}
Examples:
  fer-dcnn queue status --redis redis://queue.internal
  fer-dcnn queue status --queue 2026-11 --json`;

async function run(_signal: AbortSignal, { redis: connection, queue, json }: StatusFlags): Promise<ExitCode> {
  const { queueStatus } = await import('../queue.js');
  const status = await queueStatus({ connection, queue });
  if (json) process.stdout.write(`${JSON.stringify(status)}\n`);
  else for (const [state, count] of Object.entries(status)) process.stdout.write(`${state.padEnd(9)}  ${count}\n`);
  return EXIT.ok;
}
