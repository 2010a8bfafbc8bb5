import { randomBytes } from 'node:crypto';
import { open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FerError, reasonOf } from '../../errors.js';
import { makeFolder } from './make-folder.js';

/**
 * Writes a file whole or not at all: into a neighbour first, flushed to the disk, then renamed over the old one,
 * and the folder flushed after it.
 *
 * @param path - Its folder is made when it is not there.
 * @throws FerError `NOT_WRITTEN` for whatever the file system says (`cause`): a full disk, a folder that is read-only. The
 * old file is then untouched and no neighbour is left.
 */
export async function writeFileWhole(path: string, bytes: Uint8Array | string): Promise<void> {
  // Not to be foretold, and never one that is there: nothing is written through a link that waits in its place.
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
    // What is in the way of this is in the way of the rest, and was told first.
    await rm(neighbour, { force: true }).catch(() => {});
    throw new FerError('NOT_WRITTEN', `${path} cannot be written: ${reasonOf(error)}`, { cause: error });
  }
}

/**
 * Removes the neighbours of files that {@link writeFileWhole} was writing when its process was killed. Call only while holding
 * the lock of these files.
 *
 * @param names - Of the files; a folder that is not there has none.
 */
export async function removeLeftNeighbours(folder: string, names: readonly string[]): Promise<void> {
  const found = await readdir(folder).catch(() => []);
  const left = found.filter((name) => NEIGHBOUR.test(name) && names.includes(name.replace(NEIGHBOUR, '')));
  // One that cannot be removed is in nobody's way.
  await Promise.all(left.map((name) => rm(join(folder, name), { force: true }).catch(() => {})));
}

/** Such that no file of somebody else's is taken for a neighbour. */
const ENDING = '.fer-dcnn.tmp';
const NEIGHBOUR = /\.\d+\.[0-9a-f]+\.fer-dcnn\.tmp$/;

/** Makes a rename last through a power cut. Windows opens no folders, and some network disks sync none. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path).catch(() => null);
  await folder?.sync().catch(() => {});
  await folder?.close();
}
