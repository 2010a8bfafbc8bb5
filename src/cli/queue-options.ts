import { type Command, Option } from 'commander';

export interface QueueFlags {
  redis: string;
  queue: string;
}

/** Adds the options that every command on a queue has. */
export function withQueueOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--redis <address>', 'redis://host:6379, or rediss://… for TLS')
        .env('REDIS_URL')
        .default('redis://127.0.0.1:6379'),
    )
    .option('--queue <name>', 'name of the queue', 'faces');
}

/** Advice for errors of queues, for `runCommand`. */
export const QUEUE_ADVICE = {
  UNREACHABLE: 'is redis-server running there? see --redis',
  PACKAGE_MISSING: 'npm install bullmq ioredis piscina',
};
