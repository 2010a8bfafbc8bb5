import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

/**
 * A file or folder of the data that lies beside the repository (or in `$FER_SHARED`), or null, loudly, when it is not
 * there: tests that need it are then skipped, and the output says so.
 */
export function sharedPath(path: string): string | null {
  const file = resolve(process.env.FER_SHARED ?? '../shared', path);
  if (existsSync(file)) return file;
  console.warn(`\n  !! SKIPPED: ${file} is not there; the tests that need it do not run.\n`);
  return null;
}
