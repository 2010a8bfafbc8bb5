import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  createWorker,
  enqueue,
  enqueueFolder,
  jsonLines,
  type QueueWorker,
  queueStatus,
  type RedisConnection,
} from '../../src/queue.js';
import { leftOut, NIGHT, nightTest } from '../night.js';
import { hasRedis } from './redis-server.js';
import { writeSmallImages } from './small-images.js';
import { readResults, WorkerProcess } from './worker-process.js';

if (!NIGHT) leftOut('200 of 300 images a server', '1');

const COUNT = NIGHT ? 300 : 100;

let folder: string;
let faces: string;
let paths: string[];
let processes: ChildProcess[];
let worker: QueueWorker | undefined;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

/** Starts a redis-server, or a sentinel, with a configuration file. */
async function serve(port: number, lines: readonly string[], ...args: string[]): Promise<ChildProcess> {
  const conf = join(folder, `${port}.conf`);
  writeFileSync(conf, [...lines, `dir ${folder}`, 'bind 127.0.0.1', ''].join('\n'));
  const server = spawn('redis-server', [conf, ...args], { stdio: 'ignore' });
  processes.push(server);
  return server;
}

async function answers(redis: Redis): Promise<void> {
  redis.on('error', () => {});
  await expect.poll(() => redis.ping().catch(() => '')).toBe('PONG');
}

async function allDone(connection: RedisConnection): Promise<void> {
  const finished = async () => {
    const { completed, failed } = await queueStatus({ connection }).catch(() => ({ completed: 0, failed: 0 }));
    return completed + failed;
  };
  await expect.poll(finished, { interval: 200 }).toBe(COUNT);
}

describe.skipIf(!hasRedis())('a Redis', () => {
  beforeEach(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'fer-dcnn-servers-')));
    faces = join(folder, 'faces');
    paths = await writeSmallImages(faces, COUNT);
    processes = [];
    worker = undefined;
  });
  afterEach(async () => {
    await worker?.close();
    for (const each of processes) each.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  test('with TLS and a certificate of its own: by rediss:// and by options; not without the certificate', async () => {
    const port = await freePort();
    const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(folder, name));
    const request = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
    ];
    const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    execFileSync('openssl', [...request, '-keyout', key, '-out', cert, ...names], { stdio: 'ignore' });
    const tls = [`tls-port ${port}`, `tls-cert-file ${cert}`, `tls-key-file ${key}`, `tls-ca-cert-file ${cert}`];
    await serve(port, ['port 0', 'tls-auth-clients no', 'requirepass secret', ...tls]);
    const connection = { host: '127.0.0.1', port, password: 'secret', tls: { ca: readFileSync(cert) } };
    const redis = new Redis(connection);
    await answers(redis);
    redis.disconnect();

    expect(await enqueueFolder(faces, { connection })).toMatchObject({ fresh: COUNT });
    await expect(queueStatus({ connection: `rediss://:secret@127.0.0.1:${port}` })).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringContaining('self-signed certificate'),
    });
    await expect(queueStatus({ connection: `redis://:secret@127.0.0.1:${port}` })).rejects.toMatchObject({
      code: 'UNREACHABLE',
    });
    const file = join(folder, 'results.jsonl');
    const command = new WorkerProcess(
      ['--redis', `rediss://:secret@127.0.0.1:${port}`, '--root', faces, '--out', file, '--until-done'],
      { NODE_EXTRA_CA_CERTS: cert },
    );
    await once(command.process, 'exit');
    expect(command.stderr).toBe('');
    expect(command.process.exitCode).toBe(0);
    expect(
      readResults([file])
        .map(({ item }) => item)
        .sort(),
    ).toEqual([...paths].sort());
  });

  nightTest('with Sentinel: the first server dies in mid-run, the second takes over', async () => {
    const [first, second, watcher] = [await freePort(), await freePort(), await freePort()];
    const persistent = ['appendonly yes', 'save ""'];
    const master = await serve(first, [`port ${first}`, ...persistent, 'appenddirname first']);
    await answers(
      new Redis(first).on('ready', function (this: Redis) {
        setTimeout(() => this.disconnect(), 100);
      }),
    );
    const from = `replicaof 127.0.0.1 ${first}`;
    await serve(second, [`port ${second}`, ...persistent, 'appenddirname second', from, 'repl-diskless-sync-delay 0']);
    const monitor = [`sentinel monitor faces 127.0.0.1 ${first} 1`, 'sentinel down-after-milliseconds faces 500'];
    await serve(watcher, [`port ${watcher}`, ...monitor, 'sentinel failover-timeout faces 5000'], '--sentinel');
    const replica = new Redis(second);
    await answers(replica);
    await expect.poll(() => replica.info('replication')).toContain('master_link_status:up');
    const sentinel = new Redis(watcher);
    await answers(sentinel);
    const replicas = async () => ((await sentinel.call('SENTINEL', 'REPLICAS', 'faces')) as unknown[]).length;
    await expect.poll(replicas).toBe(1);

    const connection = { sentinels: [{ host: '127.0.0.1', port: watcher }], name: 'faces' };
    await enqueue(paths, { connection, batchSize: 10 });
    const file = join(folder, 'results.jsonl');
    let taken = 0;
    worker = await createWorker({
      connection,
      roots: [faces],
      sink: jsonLines(file),
      concurrency: 1,
      lockDuration: 2000,
      onBatch: ({ done }) => {
        taken += done;
        // What it holds is in the replica: a replica that lags is as a Redis that lost its last moments.
        if (taken >= COUNT / 6 && master.signalCode === null) master.kill('SIGKILL');
      },
    });
    await allDone(connection);
    expect(master.signalCode).toBe('SIGKILL');
    expect(await replica.info('replication')).toContain('role:master');
    replica.disconnect();
    sentinel.disconnect();
    expect(
      readResults([file])
        .map(({ item }) => item)
        .sort(),
    ).toEqual([...paths].sort());
  });

  test('that is a Cluster is refused with a clear message', async () => {
    const port = await freePort();
    await serve(port, [`port ${port}`, 'cluster-enabled yes', `cluster-config-file ${folder}/nodes.conf`]);
    const redis = new Redis(port);
    await answers(redis);
    redis.disconnect();
    const connection = `redis://127.0.0.1:${port}`;
    const refused = { code: 'OPTION', message: expect.stringContaining('is a Cluster') };
    await expect(enqueue(paths, { connection })).rejects.toMatchObject(refused);
    const options = { connection, roots: [faces], sink: jsonLines(join(folder, 'results.jsonl')) };
    await expect(createWorker(options)).rejects.toMatchObject(refused);
    // CLUSTERDOWN, as a FerError.
    await expect(queueStatus({ connection })).rejects.toMatchObject({ code: 'UNREACHABLE', name: 'FerError' });
  });
});
