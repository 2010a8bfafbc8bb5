import { pathToFileURL } from 'node:url';
import { randomStream } from '../src/tfjs/train/random.js';

/*
 * The cost of 10^6, 10^9 and 10^11 faces: `npx tsx scripts/scaling.ts`. Its output is in docs/scaling.md, and a test compares
 * them. To change a measurement or assumption, change it here, and copy the new output into the page.
 */

/** Measured: `npm run bench queue`; docs/scaling.md describes the machine. CPU microseconds per face, bytes per face. */
const MEASURED = {
  decodeCrop: 128,
  decodePhoto: 5536,
  detect: 36_269,
  toInput: 30,
  network: 67,
  /** Other costs of a worker: files, threads, job, ledger, results. */
  workerRest: 172,
  redis: 28,
  waitingBytes: 203,
  ledgerBytes: 51,
  resultBytes: 359,
};

/** Assumed: list prices of large clouds in 2025, on demand, in US dollars; sizes of stored images. */
const ASSUMED = {
  coreHour: 0.045,
  redisHour: 0.22,
  redisGigabytes: 13,
  storedGigabyteMonth: 0.023,
  thousandReads: 0.0004,
  cropBytes: 4000,
  photoBytes: 300_000,
  /** Share of its single core that Redis may use. */
  redisShare: 0.6,
  /** Most items that wait in Redis (`maxWaiting`). */
  maxWaiting: 5e6,
  batch: 50,
};

/** Microseconds of a core per face: for a crop, and for a photo of one face. */
const workerCost = MEASURED.decodeCrop + MEASURED.toInput + MEASURED.network + MEASURED.workerRest;
const photoCost = workerCost - MEASURED.decodeCrop + MEASURED.decodePhoto + MEASURED.detect;

/** The whole output. */
export function scalingReport(): string {
  return [...saturation(), '', ...runs()].join('\n');
}

function saturation(): string[] {
  const rows = [1, 2, 4, 8, 16, 32, 64].map((cores) => {
    const { rate, busy } = simulate(cores);
    const linear = (cores * 1e6) / workerCost;
    return [String(cores), round(rate), `${((100 * rate) / linear).toFixed(0)} %`, `${(100 * busy).toFixed(0)} %`];
  });
  return [
    `One Redis, crops: ${workerCost} us of a core a face, ${MEASURED.redis} us of Redis, batches of ${ASSUMED.batch}; simulated`,
    ...table([['cores', 'faces/s', 'of linear', 'Redis busy'], ...rows]),
  ];
}

/**
 * Cores that each take a batch from one Redis, work on it, and bring it back: Redis serves one request after another. Work varies
 * by a factor of two from batch to batch.
 */
function simulate(cores: number): { rate: number; busy: number } {
  const random = randomStream(1);
  const service = (MEASURED.redis * ASSUMED.batch) / 1e6;
  const free = Array.from({ length: cores }, () => (random() * workerCost * ASSUMED.batch) / 1e6);
  let redisFree = 0;
  let redisBusy = 0;
  const batches = 2000 + 400 * cores;
  for (let batch = 0; batch < batches; batch++) {
    let next = 0;
    for (let core = 1; core < cores; core++) if (free[core] < free[next]) next = core;
    const start = Math.max(free[next], redisFree);
    redisFree = start + service;
    redisBusy += service;
    free[next] = redisFree + ((workerCost * ASSUMED.batch) / 1e6) * (2 / 3 + (2 / 3) * random());
  }
  return { rate: (batches * ASSUMED.batch) / redisFree, busy: redisBusy / redisFree };
}

function runs(): string[] {
  const each = (items: number): string[] => {
    const hours = (items * workerCost) / 3.6e9;
    const shards = shardsOf(items);
    const redisHours = shards * 24;
    const images = (items * ASSUMED.cropBytes) / 1e9;
    const results = (items * MEASURED.resultBytes) / 1e9;
    const reads = (items / 1000) * ASSUMED.thousandReads;
    const stored = (images + results) * ASSUMED.storedGigabyteMonth;
    const photoHours = (items * photoCost) / 3.6e9;
    return [
      round(hours),
      round(Math.max(1, Math.ceil(hours / 24))),
      round(items / 86_400),
      `${round(((items / 86_400) * MEASURED.redis) / 1e4)} %`,
      String(shards),
      `${round((items * MEASURED.ledgerBytes) / 1e9)} GB`,
      `${round((Math.min(items, shards * ASSUMED.maxWaiting) * MEASURED.waitingBytes) / 1e9)} GB`,
      `${round(images)} GB`,
      `${round(results)} GB`,
      `$${round(hours * ASSUMED.coreHour)}`,
      `$${round(redisHours * ASSUMED.redisHour)}`,
      `$${round(reads)}`,
      `$${round(stored)}`,
      round(photoHours),
      `$${round(photoHours * ASSUMED.coreHour)}`,
    ];
  };
  const columns = [1e6, 1e9, 1e11].map(each);
  const names = [
    ...['core hours', 'cores, to be done in a day', 'faces/s then', 'of one Redis, its time', 'Redis servers'],
    ...['ledger in Redis, all', 'waiting jobs in Redis', 'crops stored', 'results stored', 'price of cores'],
    ...['price of Redis, a day', 'price of reads', 'price of storage, a month', 'photos: core hours, with detection'],
    'photos: price of cores',
  ];
  const rows = names.map((name, i) => [name, ...columns.map((column) => column[i])]);
  return [
    'Crops, done in a day; and the same number of photos of one face',
    ...table([['', '10^6', '10^9', '10^11'], ...rows]),
  ];
}

/** The number of servers that time and memory require, each with its own queue or queues. */
function shardsOf(items: number): number {
  const byTime = ((items / 86_400) * MEASURED.redis) / 1e6 / ASSUMED.redisShare;
  const waiting = Math.min(items, ASSUMED.maxWaiting) * MEASURED.waitingBytes;
  const byMemory = (items * MEASURED.ledgerBytes) / (ASSUMED.redisGigabytes * 1e9 * 0.7 - waiting);
  return Math.max(1, Math.ceil(byTime), Math.ceil(byMemory));
}

/** Two significant figures. */
function round(value: number): string {
  const digits = Math.max(0, Math.floor(Math.log10(Math.max(value, 1e-9))) - 1);
  const whole = value >= 1 ? Math.round(value / 10 ** digits) * 10 ** digits : Number(value.toPrecision(2));
  return value >= 1 && value < 10 ? value.toFixed(1) : whole.toLocaleString('en');
}

function table(rows: readonly string[][]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])))
      .join('  ')
      .trimEnd(),
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.log(scalingReport());
