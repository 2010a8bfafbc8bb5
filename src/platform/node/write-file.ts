import { randomBytes } from 'node:crypto';
import { open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FerError, reasonOf } from '../../errors.js';
import { makeFolder } from './make-folder.js';

/**
 * Writes a file completely or not at all: it writes a temporary file in the same folder, flushes it to the disk, renames it over
 * the old file, and flushes the folder.
 *
 * @param path - Its folder is created if needed.
 * @throws FerError `NOT_WRITTEN` for any error of the file system (`cause`): a full disk, a read-only folder. The old file is
 * then unchanged, and no temporary file is left.
 */
export async function writeFileWhole(path: string, bytes: Uint8Array | string): Promise<void> {
  // The name is unpredictable and the file must be new, so that nothing is written through a planted link.
  const neighbour = `${path}.${process.pid}.${randomBytes(8).toString('hex')}${ENDING}`;
  try {
    await makeFolder(dirname(path));
    const file = await open(neighbour, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(neighbour, path);
    await syncFolder(dirname(path));
  } catch (error) {
    // An error here has the same cause as the first one, which is reported.
    await rm(neighbour, { force: true }).catch(() => {});
    throw new FerError('NOT_WRITTEN', `${path} cannot be written: ${reasonOf(error)}`, { cause: error });
  }
}

/**
 * Removes the temporary files of {@link writeFileWhole} calls whose process was killed. Call only while holding the lock of these
 * files.
 *
 * @param names - Names of the files; a missing folder has none.
 */
export async function removeLeftNeighbours(folder: string, names: readonly string[]): Promise<void> {
  const found = await readdir(folder).catch(() => []);
  const left = found.filter((name) => NEIGHBOUR.test(name) && names.includes(name.replace(NEIGHBOUR, '')));
  // A file that cannot be removed does no harm.
  await Promise.all(left.map((name) => rm(join(folder, name), { force: true }).catch(() => {})));
}

/** A pattern that matches no file of another program. */
const ENDING = '.fer-dcnn.tmp';
const NEIGHBOUR = /\.\d+\.[0-9a-f]+\.fer-dcnn\.tmp$/;

/** Makes a rename last through a power cut. Windows cannot open folders, and some network disks cannot sync them. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path).catch(() => null);
  await folder?.sync().catch(() => {});
  await folder?.close();
}
