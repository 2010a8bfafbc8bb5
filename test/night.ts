import { appendFileSync } from 'node:fs';
import { test } from 'vitest';

const { FER_NIGHT, FER_LEFT_OUT } = process.env;
if (FER_NIGHT !== undefined && FER_NIGHT !== '1' && FER_NIGHT !== 'full') {
  throw new Error(`FER_NIGHT is 1 (tests of minutes) or full (everything at full length), got '${FER_NIGHT}'`);
}

/**
 * Whether tests of minutes run. `npm test` leaves them out, and says so at its end; `npm run nightly`, or FER_NIGHT=1 before
 * any test command, runs them.
 */
export const NIGHT = FER_NIGHT !== undefined;

/**
 * Whether everything runs at full length, as FER_NIGHT=full before any test command does: 50,000 images a fault, 100,000
 * classifications. Commands with their own name set it, such as `npm run bad-hours` and `npm run soak`.
 */
export const FULL = FER_NIGHT === 'full';

/** A test of minutes: skipped by day, and counted as left to the night. */
export const nightTest = test.runIf(NIGHT);

/** Runs of a property: all of them at night, a tenth by day. `npm test` says at its end how many it left out. */
export function runs(all: number): number {
  const made = NIGHT ? all : Math.max(Math.min(all, 4), Math.ceil(all / 10));
  countLeftOut('cases', all - made);
  return made;
}

/** Says loudly what a test file leaves out, and the value of FER_NIGHT with which it runs. */
export function leftOut(what: string, value: '1' | 'full'): void {
  console.warn(`\n  !! LEFT TO THE NIGHT: ${what} (FER_NIGHT=${value}).\n`);
}

/** Rows of a table whose rows are alike: all of them at night, the first few by day. `npm test` says how many it left out. */
export function rows<T>(all: readonly T[], byDay: number): T[] {
  const kept = NIGHT ? [...all] : all.slice(0, byDay);
  countLeftOut('rows', all.length - kept.length);
  return kept;
}

/** In the file that `npm test` adds up at its end. */
function countLeftOut(what: 'rows' | 'cases', count: number): void {
  if (FER_LEFT_OUT !== undefined && count > 0) appendFileSync(FER_LEFT_OUT, `${what} ${count}\n`);
}
