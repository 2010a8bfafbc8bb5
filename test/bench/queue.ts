/*
 * What a face costs in a queue, and whether the cost stays the same as queues grow: enqueuing, working, Redis's own time,
 * commands and memory, for 1,000 and 10,000 items, and 100,000 when asked for. A redis-server is started on a free port.
 *
 *   npm run bench queue
 *   npx tsx test/bench/queue.ts 1000 10000 100000
 *
 * Seconds of processors, not of the clock, where it says CPU: other programs disturb them little.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { pixelsToInput } from '../../src/image/pixels-to-input.js';
import { blazeFaceDetector, useBackend } from '../../src/index.js';
import { fallbacks } from '../../src/network/fallbacks.js';
import { startNetwork } from '../../src/network/network.js';
import { networkModule } from '../../src/network/network-module.js';
import { imageLimits } from '../../src/platform/image-limits.js';
import { decode } from '../../src/platform/node/decode.js';
import { createWorker, enqueue, jsonLines, queueStatus } from '../../src/queue.js';
import { RedisServer } from '../queue/redis-server.js';

const counts = process.argv.slice(2).map(Number);
if (counts.length === 0) counts.push(1000, 10_000);

const LIMITS = imageLimits({});
const folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-queue-bench-'));
const picture = (width: number, height: number) =>
  sharp({
    create: { width, height, channels: 3, background: '#888', noise: { type: 'gaussian', mean: 128, sigma: 30 } },
  })
    .blur(2)
    .jpeg({ quality: 85 })
    .toBuffer();

await stages();
console.log('\n  items  enqueue  worker  Redis    Redis       Redis    results  worker');
console.log('         CPU us   CPU us  CPU us   commands    bytes    bytes    items/s');
for (const count of counts) await run(count);
rmSync(folder, { recursive: true, force: true });

/** CPU milliseconds of each stage on one face, one after another. */
async function stages(): Promise<void> {
  const crop = await picture(96, 96);
  const photo = await picture(1280, 960);
  console.log(`one face: CPU ms, least of 5 (JPEG of 96x96, ${crop.length} bytes; photo of 1280x960)`);
  const pixels = await decode(crop, LIMITS);
  const photoPixels = await decode(photo, LIMITS);
  const network = await startNetwork(await networkModule(), fallbacks);
  const batch = new Float32Array(50 * 1024).fill(0.5);
  await useBackend('wasm');
  const detector = blazeFaceDetector();
  const measured: [string, number, () => unknown][] = [
    ['decode a crop', 300, () => decode(crop, LIMITS)],
    ['decode a photo', 10, () => decode(photo, LIMITS)],
    ['detect in it', 5, () => detector.detect(photoPixels)],
    ['crop to input', 1000, () => pixelsToInput(pixels)],
    ['network', 40, () => network.predict(batch, 50)],
  ];
  for (const [name, times, work] of measured) {
    const each: number[] = [];
    for (let round = 0; round < 6; round++) {
      const before = process.cpuUsage();
      for (let i = 0; i < times; i++) await work();
      each.push(cpuOf(before) / times / 1000 / (name === 'network' ? 50 : 1));
    }
    console.log(
      `  ${name.padEnd(16)}${Math.min(...each.slice(1))
        .toFixed(3)
        .padStart(8)}`,
    );
  }
  detector.dispose();
}

async function run(count: number): Promise<void> {
  const images = join(folder, 'images');
  mkdirSync(images, { recursive: true });
  const pictures = await Promise.all(Array.from({ length: 20 }, () => picture(96, 96)));
  for (let i = 0; i < count; i++) writeFileSync(join(images, `${i}.jpg`), pictures[i % pictures.length]);
  const server = await RedisServer.start();
  const redis = server.client();
  const address = { connection: server.url };
  await queueStatus(address);
  const empty = await redisFigures();

  let before = process.cpuUsage();
  await enqueue(
    Array.from({ length: count }, (_, i) => join(images, `${i}.jpg`)),
    address,
  );
  const enqueuing = cpuOf(before);
  const full = await redisFigures();

  const out = join(folder, `${count}.jsonl`);
  let done = 0;
  before = process.cpuUsage();
  const start = performance.now();
  const worker = await createWorker({
    ...address,
    roots: [images],
    sink: jsonLines(out),
    onBatch: (batch) => {
      done += batch.done;
    },
  });
  while (done < count) await sleep(20);
  const seconds = (performance.now() - start) / 1000;
  await worker.close();
  const working = cpuOf(before);
  const after = await redisFigures();
  const cells = [
    (enqueuing / count).toFixed(1).padStart(7),
    (working / count).toFixed(0).padStart(6),
    ((after.cpu - empty.cpu) / count).toFixed(1).padStart(6),
    ((after.commands - empty.commands) / count).toFixed(2).padStart(9),
    `${((full.memory - empty.memory) / count).toFixed(0)}/${((after.memory - empty.memory) / count).toFixed(0)}`.padStart(
      9,
    ),
    (statSync(out).size / count).toFixed(0).padStart(7),
    (count / seconds).toFixed(0).padStart(8),
  ];
  console.log(`${String(count).padStart(7)}  ${cells.join('  ')}`);
  redis.disconnect();
  await server.remove();
  rmSync(images, { recursive: true });
  if (readFileSync(out, 'utf8').split('\n').length !== count + 1) throw new Error('results are not exact');

  async function redisFigures() {
    const text = await redis.info();
    const value = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(text)![1]);
    return {
      cpu: 1e6 * (value('used_cpu_user') + value('used_cpu_sys')),
      commands: value('total_commands_processed'),
      memory: value('used_memory'),
    };
  }
}

/** Microseconds of processors since then, all threads together. */
function cpuOf(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return user + system;
}
