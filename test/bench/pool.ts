/*
 * ClassifierPool: faces per second with one worker, two, and one per core; photos per second with `faces: true`; and the
 * memory of the process while many small JPEGs pass through it.
 *
 *   npm run bench pool                     1 and all workers, 4,000 faces per worker
 *   npx tsx test/bench/pool.ts 100000      also memory over 100,000 faces
 *   npx tsx test/bench/pool.ts photos      photos with faces only
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { classify } from '../../src/lite.js';
import { ClassifierPool } from '../../src/node.js';

const FILES = 500;
const FACES = 4000;
const PHOTOS = 'node_modules/@vladmandic/face-api/demo';
const photosOnly = process.argv[2] === 'photos';
const many = photosOnly ? 0 : Number(process.argv[2] ?? 0);

const folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-pool-'));
const paths: string[] = [];
for (let i = 0; i < FILES; i++) {
  paths.push(join(folder, `${i}.jpg`));
  const noise = { type: 'gaussian' as const, mean: 128, sigma: 30 };
  await sharp({ create: { width: 96, height: 96, channels: 3, background: '#888', noise } })
    .blur(2)
    .jpeg({ quality: 85 })
    .toFile(paths[i]);
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

async function* faces(count: number) {
  for (let i = 0; i < count; i++) yield paths[i % FILES];
}

async function facesPerSecond(workers: number): Promise<number> {
  const pool = new ClassifierPool({ workers });
  for await (const _ of pool.classifyStream(faces(1500 * workers)));
  const start = performance.now();
  for await (const _ of pool.classifyStream(faces(FACES * workers)));
  const seconds = (performance.now() - start) / 1000;
  await pool.close();
  return (FACES * workers) / seconds;
}

const cores = availableParallelism();
const counts = [...new Set([1, Math.min(2, cores), cores])];
await photosWithFaces();
if (photosOnly) {
  rmSync(folder, { recursive: true, force: true });
  process.exit();
}

/** Images per second of a pool that finds faces: a camera's 640 pixels, and photos of 1920. */
async function photosWithFaces(): Promise<void> {
  const names = (await readdir(PHOTOS)).filter((name) => /^sample\d\.jpg$/.test(name));
  const large = names.map((name) => join(PHOTOS, name));
  const small = await Promise.all(
    large.map(async (path, i) => {
      const file = join(folder, `photo${i}.jpg`);
      await sharp(path).resize(640).toFile(file);
      return file;
    }),
  );
  console.log('ClassifierPool({ faces: true }), images per second, median of 5\n');
  for (const [what, some] of [
    ['640 pixels', small],
    ['1920 pixels', large],
  ] as const) {
    const photos = Array.from({ length: 48 }, (_, i) => some[i % some.length]);
    const rates = new Map<number, number[]>(counts.map((count) => [count, []]));
    for (let round = 0; round < 5; round++) {
      for (const count of counts) {
        const pool = new ClassifierPool({ faces: true, workers: count });
        await pool.classify(photos.slice(0, 8 * count));
        const start = performance.now();
        await pool.classify(photos);
        rates.get(count)!.push((1000 * photos.length) / (performance.now() - start));
        await pool.close();
      }
    }
    const alone = median(rates.get(1)!);
    for (const [count, values] of rates) {
      const rate = median(values);
      console.log(`${what.padEnd(12)} ${count} workers ${rate.toFixed(1).padStart(7)} ${(rate / alone).toFixed(2)}x`);
    }
  }
  console.log();
}

const rates = new Map<number, number[]>(counts.map((count) => [count, []]));
// Turn by turn: what else the machine does meanwhile meets all of them.
for (let round = 0; round < 5; round++) {
  for (const count of counts) rates.get(count)!.push(await facesPerSecond(count));
}
const alone = median(rates.get(1)!);
console.log('ClassifierPool, JPEGs of 96x96 on disk, median of 5\n');
for (const [count, values] of rates) {
  const rate = median(values);
  console.log(
    `${String(count).padStart(3)} workers ${rate.toFixed(0).padStart(7)} faces/s ${(rate / alone).toFixed(2)}x`,
  );
}

/** Milliseconds that single faces take in this thread, one every 5 ms, while `meanwhile` goes on. */
async function waits(meanwhile: () => Promise<unknown>): Promise<number[]> {
  const face = { data: new Uint8Array(48 * 48).fill(90), width: 48, height: 48, channels: 1 as const };
  const times: number[] = [];
  let over = false;
  const work = meanwhile().finally(() => {
    over = true;
  });
  while (!over) {
    const start = performance.now();
    await classify(face);
    times.push(performance.now() - start);
    await sleep(5);
  }
  await work;
  return times.sort((a, b) => a - b);
}

const paths2000 = Array.from({ length: 2000 }, (_, i) => paths[i % FILES]);
const one = new ClassifierPool({ workers: 1 });
const rows: [string, () => Promise<unknown>][] = [
  ['nothing', () => sleep(1500)],
  ['a pool of one worker: 2,000 faces', () => one.classify(paths2000)],
  ['classify() of 2,000 faces, in this thread', () => classify(paths2000)],
];
await one.load();
console.log('\nOne face meanwhile, ms            median     p95  longest');
for (const [name, meanwhile] of rows) {
  const times = await waits(meanwhile);
  const figures = [0.5, 0.95, 1].map((share) => times[Math.ceil(share * times.length) - 1].toFixed(2).padStart(8));
  console.log(`${name.padEnd(42)}${figures.join('')}`);
}
await one.close();

if (many > 0) {
  const pool = new ClassifierPool();
  let done = 0;
  console.log('\n   faces  RSS MB');
  for await (const _ of pool.classifyStream(faces(many))) {
    if (++done % Math.ceil(many / 10) === 0 || done === 1000) {
      console.log(`${String(done).padStart(8)} ${(process.memoryUsage.rss() / 1e6).toFixed(0).padStart(7)}`);
    }
  }
  await pool.close();
}
rmSync(folder, { recursive: true, force: true });
