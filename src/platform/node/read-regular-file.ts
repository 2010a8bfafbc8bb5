import { readFileSync, type Stats, statSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';

/**
 * Reads a whole file, but refuses pipes and devices, which may have no end and would block the process or fill the memory.
 *
 * @param most - Largest size in bytes; a longer file is not read.
 * @throws what the file system throws; an Error for a file that is not regular, or too long.
 */
export async function readRegularFile(path: string, most = Number.POSITIVE_INFINITY): Promise<Buffer<ArrayBuffer>> {
  checkRegular(await stat(path), most);
  return readFile(path);
}

/** Synchronous {@link readRegularFile}. */
export function readRegularFileSync(path: string): Buffer<ArrayBuffer> {
  checkRegular(statSync(path), Number.POSITIVE_INFINITY);
  return readFileSync(path);
}

function checkRegular(found: Stats, most: number): void {
  if (!found.isFile()) throw new Error('it is not a regular file');
  if (found.size > most) throw new Error(`it has ${found.size} bytes, the limit is ${most}`);
}
