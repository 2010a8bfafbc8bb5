import { test } from 'vitest';

/**
 * Whether everything runs. `npm test` leaves out what takes minutes, and says so at its end; `npm run nightly`, or
 * FER_NIGHT=1 before any test command, runs it.
 */
export const NIGHT = process.env.FER_NIGHT === '1';

/** A test of minutes: skipped by day, and counted as left to the night. */
export const nightTest = test.runIf(NIGHT);

/** Runs of a property: all of them at night, a fifth by day. */
export function runs(all: number): number {
  return NIGHT ? all : Math.ceil(all / 5);
}
