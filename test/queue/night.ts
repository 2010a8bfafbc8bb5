import { test } from 'vitest';

/** FER_BAD_HOURS=full: the tests of the night run too (`npm run bad-hours`). */
export const NIGHT = process.env.FER_BAD_HOURS === 'full';

/** For tests that take long: skipped by day, with a word on the console. */
export function testAtNight(name: string, ...rest: [{ timeout: number }, () => Promise<void>]): void {
  if (!NIGHT) console.warn(`\n  !! SKIPPED until the night: ${name} (FER_BAD_HOURS=full).\n`);
  test.runIf(NIGHT)(name, ...rest);
}
