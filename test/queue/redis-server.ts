import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';

/** Whether there is a redis-server to test on; says so loudly when there is none. */
export function hasRedis(): boolean {
  if (spawnSync('redis-server', ['--version']).status === 0) return true;
  console.warn(
    '\n  !! SKIPPED: no redis-server; the tests of fer-dcnn/queue do not run. Debian: apt-get install redis-server\n',
  );
  return false;
}

/** A redis-server of the test's own, on a free port of 127.0.0.1, with append-only persistence. */
export class RedisServer {
  readonly url: string;
  readonly #folder: string;
  readonly #port: number;
  #process: ChildProcess | undefined;

  private constructor(port: number) {
    this.#port = port;
    this.url = `redis://127.0.0.1:${port}`;
    this.#folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-redis-'));
  }

  static async start(): Promise<RedisServer> {
    const server = new RedisServer(await freePort());
    await server.start();
    return server;
  }

  async start(): Promise<void> {
    const persistent = ['--appendonly', 'yes', '--save', '', '--auto-aof-rewrite-percentage', '0'];
    this.#process = spawn(
      'redis-server',
      ['--port', String(this.#port), '--bind', '127.0.0.1', '--dir', this.#folder, ...persistent],
      { stdio: 'ignore' },
    );
    const redis = this.client();
    for (let tries = 0; tries < 200; tries++) {
      if (await redis.ping().catch(() => false)) break;
      await sleep(50);
    }
    redis.disconnect();
  }

  client(): Redis {
    return new Redis(this.#port, '127.0.0.1', { retryStrategy: () => 50, maxRetriesPerRequest: 1 }).on(
      'error',
      () => {},
    );
  }

  signal(name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT' | 'SIGTERM'): void {
    this.#process?.kill(name);
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    const ended = once(this.#process!, 'exit');
    this.signal('SIGKILL');
    await ended;
  }

  /** How much it has written: what `crashTo` goes back to. All that it has answered is in it. */
  get written(): number {
    return statSync(this.#log).size;
  }

  /** Crashes as with its machine: what it wrote after `written` was that much never came to the disk. Then it starts again. */
  async crashTo(written: number): Promise<void> {
    await this.kill();
    truncateSync(this.#log, written);
    await this.start();
  }

  get #log(): string {
    return join(this.#folder, 'appendonlydir/appendonly.aof.1.incr.aof');
  }

  async remove(): Promise<void> {
    if (this.#process?.exitCode === null && this.#process.signalCode === null) await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}
