import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Writes a file whole or not at all: into a neighbour first, flushed to the disk, then renamed over the old one.
 *
 * @param path - Its folder is made when it is not there.
 * @throws what the file system throws; the old file is then untouched and no neighbour is left.
 */
export async function writeFileWhole(path: string, bytes: Uint8Array | string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const neighbour = `${path}.${process.pid}.${count++}.tmp`;
  try {
    const file = await open(neighbour, 'w');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(neighbour, path);
  } catch (error) {
    await rm(neighbour, { force: true });
    throw error;
  }
}

// --- below this line: helpers of this file alone ---

let count = 0;
