import { readFileSync, type Stats, statSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';

/**
 * Reads a file to its end, which pipes and devices may not have: those would keep the process for ever, or take all memory.
 *
 * @throws what the file system throws; an Error that says so for what is no regular file.
 */
export async function readRegularFile(path: string): Promise<Buffer<ArrayBuffer>> {
  checkRegular(await stat(path));
  return readFile(path);
}

/** {@link readRegularFile}, at once. */
export function readRegularFileSync(path: string): Buffer<ArrayBuffer> {
  checkRegular(statSync(path));
  return readFileSync(path);
}

// --- below this line: helpers of this file alone ---

function checkRegular(found: Stats): void {
  if (!found.isFile()) throw new Error('it is not a regular file');
}
