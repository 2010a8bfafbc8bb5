import { readFileSync, type Stats, statSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';

/**
 * Reads a file to its end, which pipes and devices may not have: those would keep the process for ever, or take all memory.
 *
 * @param most - Bytes that it may have; a longer one is not read.
 * @throws what the file system throws; an Error that says so for what is no regular file, or too long.
 */
export async function readRegularFile(path: string, most = Number.POSITIVE_INFINITY): Promise<Buffer<ArrayBuffer>> {
  checkRegular(await stat(path), most);
  return readFile(path);
}

/** {@link readRegularFile}, at once. */
export function readRegularFileSync(path: string): Buffer<ArrayBuffer> {
  checkRegular(statSync(path), Number.POSITIVE_INFINITY);
  return readFileSync(path);
}

function checkRegular(found: Stats, most: number): void {
  if (!found.isFile()) throw new Error('it is not a regular file');
  if (found.size > most) throw new Error(`it has ${found.size} bytes, ${most} at most are read`);
}
