import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Writes a file whole or not at all: into a neighbour first, flushed to the disk, then renamed over the old one,
 * and the folder flushed after it.
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
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(neighbour, { force: true });
    throw error;
  }
}

// --- below this line: helpers of this file alone ---

let count = 0;

/** Makes a rename last through a power cut. Windows opens no folders, and some network disks sync none. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path).catch(() => null);
  await folder?.sync().catch(() => {});
  await folder?.close();
}
