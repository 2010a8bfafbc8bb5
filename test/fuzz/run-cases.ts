import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import fc, { SEED } from '../fast-check.js';
import { NIGHT } from '../night.js';
import { outcome } from './outcome.js';

/** Of all targets together; `npm run fuzz -- --cases 200000` runs more. */
export const CASES = Number(process.env.FER_FUZZ_CASES ?? (NIGHT ? 5000 : 1500));
/** Milliseconds that a test may take: long, since a night's run is one test a target. */
export const TIME = Math.max(60_000, CASES * 60);
/** Bytes that the process may grow by in one target. */
const MEMORY = 512 * 2 ** 20;

/** Makes each test of a file fail for unhandled rejections, and for properties left on `Object.prototype`. */
export function watchProcess(): void {
  const strays: unknown[] = [];
  const stray = (reason: unknown) => strays.push(reason);
  beforeAll(() => {
    console.log(`fuzz: ${CASES} cases, seed ${SEED}`);
    process.on('unhandledRejection', stray);
  });
  afterAll(() => process.off('unhandledRejection', stray));
  afterEach(() => {
    expect(strays).toEqual([]);
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
}

/**
 * Runs a share of the cases, and gives how often each outcome came.
 *
 * @param options - `bytesOf`: what is kept of a case that breaks something; `most`: milliseconds of the processor that one may take.
 */
export async function fuzz<T>(
  target: string,
  share: number,
  arbitrary: fc.Arbitrary<T>,
  work: (value: T) => unknown,
  options: { bytesOf?: (value: T) => unknown; most?: number } = {},
): Promise<Record<string, number>> {
  const { bytesOf = (value: T) => fc.stringify(value), most } = options;
  const counts: Record<string, number> = {};
  const before = process.memoryUsage().rss;
  let largest = before;
  await fc.assert(
    fc.asyncProperty(arbitrary, async (value) => {
      const told = await outcome(target, bytesOf(value), () => work(value), most);
      counts[told] = (counts[told] ?? 0) + 1;
      largest = Math.max(largest, process.memoryUsage.rss());
    }),
    { seed: SEED, numRuns: Math.max(NIGHT ? 20 : 10, Math.round(CASES * share)) },
  );
  console.log(`fuzz: ${target}: ${JSON.stringify(counts)}`);
  expect(largest - before, `${target}: growth of memory`).toBeLessThan(MEMORY);
  return counts;
}
