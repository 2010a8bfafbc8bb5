import { randomUUID } from 'node:crypto';
import { type FileHandle, link, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FerError } from '../../errors.js';
import { makeFolder } from './make-folder.js';
import { readRegularFile } from './read-regular-file.js';

/**
 * Takes a lock: a file that names its process. A lock whose process is gone is taken over: a killed process, or one of another
 * machine that has not written to it for a minute. The time is that of the disk, because the clocks of machines differ and jump.
 *
 * @param path - Its folder is created if needed.
 * @returns A function that releases the lock.
 * @throws FerError `CHECKPOINT` while another process, or another caller in this one, has it; and the errors of the file
 * system.
 * @example
 * const unlock = await lockFile('runs/first/training.lock');
 */
export async function lockFile(path: string): Promise<() => Promise<void>> {
  await makeFolder(dirname(path));
  const mine: Owner = { pid: process.pid, host: hostname(), id: randomUUID() };
  const neighbour = `${path}.${mine.id}.tmp`;
  held.add(mine.id);
  try {
    await writeFile(neighbour, JSON.stringify(mine), { flush: true });
    while (!(await linked(neighbour, path))) {
      const owner = await ownerOf(path);
      if (owner === 'gone') continue;
      if (await isAlive(owner, path, neighbour)) {
        const who = owner === null ? 'another process' : `process ${owner.pid} on ${owner.host}`;
        throw new FerError(
          'CHECKPOINT',
          `${who} trains into this folder: wait for it, or, if it is gone, delete ${path}`,
        );
      }
      await removeStale(path, owner, neighbour);
    }
  } catch (error) {
    held.delete(mine.id);
    throw error;
  } finally {
    await rm(neighbour, { force: true });
  }
  await removeLeftNeighbours(path);
  const file = await openMine(path, mine);
  const beat = setInterval(() => file?.write(JSON.stringify(mine), 0).catch(() => {}), HEARTBEAT).unref();
  return async () => {
    clearInterval(beat);
    await file?.close();
    held.delete(mine.id);
    const owner = await ownerOf(path);
    if (owner !== 'gone' && owner?.id === mine.id) await rm(path, { force: true });
  };
}

interface Owner {
  pid: number;
  host: string;
  id: string;
}

/** Locks of this process, including those that it is trying to take. */
const held = new Set<string>();

/** Milliseconds. */
const HEARTBEAT = 10_000;
const LEFT_BEHIND = 60_000;
const A_MOMENT = 10;

/** Creates the lock, complete from the start, unless it exists already. */
async function linked(neighbour: string, path: string): Promise<boolean> {
  try {
    await link(neighbour, path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    // A disk without hard links.
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS') throw error;
    return writeFile(path, await readFile(neighbour), { flag: 'wx' }).then(
      () => true,
      (failure: NodeJS.ErrnoException) => {
        if (failure.code === 'EEXIST') return false;
        throw failure;
      },
    );
  }
}

/**
 * Removes a lock whose process is gone, unless another process has done so. A second lock allows only one process at a time to do
 * this; otherwise a process with an old view could remove a new lock.
 */
async function removeStale(path: string, stale: Owner | null, neighbour: string): Promise<void> {
  const guard = `${path}.stale.tmp`;
  if (!(await linked(neighbour, guard))) {
    const other = await ownerOf(guard);
    if (other !== 'gone' && !(await isAlive(other, guard, neighbour))) await rm(guard, { force: true });
    await sleep(A_MOMENT);
    return;
  }
  try {
    const now = await ownerOf(path);
    if (now !== 'gone' && now?.id === stale?.id) await rm(path, { force: true });
  } finally {
    await rm(guard, { force: true });
  }
}

/** Removes the files of processes that were killed while they tried to take the lock. */
async function removeLeftNeighbours(path: string): Promise<void> {
  for (const name of await readdir(dirname(path)).catch(() => [])) {
    if (!name.startsWith(`${basename(path)}.`) || !name.endsWith('.tmp')) continue;
    const neighbour = join(dirname(path), name);
    if (!(await isFresh(neighbour, path))) await rm(neighbour, { force: true }).catch(() => {});
  }
}

/** The owner of the lock; null if the file does not name one. */
async function ownerOf(path: string): Promise<Owner | null | 'gone'> {
  try {
    const owner = JSON.parse((await readRegularFile(path)).toString()) as Owner | null;
    return Number.isInteger(owner?.pid) && typeof owner?.host === 'string' ? owner : null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'gone' : null;
  }
}

/** Bound to exactly this file, so that nothing is written into a lock that another process put in its place. */
async function openMine(path: string, mine: Owner): Promise<FileHandle | undefined> {
  const file = await open(path, 'r+').catch(() => undefined);
  if (file === undefined) return undefined;
  if ((await file.readFile('utf8')) === JSON.stringify(mine)) return file;
  await file.close();
  return undefined;
}

/** @param neighbour - A file of this process in the same folder. */
async function isAlive(owner: Owner | null, path: string, neighbour: string): Promise<boolean> {
  if (owner?.host === hostname()) {
    // Process numbers are reused, most often after the restart of a container, by this process itself.
    if (owner.pid === process.pid) return held.has(owner.id);
    try {
      process.kill(owner.pid, 0);
      return true;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'EPERM';
    }
  }
  await writeFile(neighbour, await readFile(neighbour));
  return isFresh(path, neighbour);
}

/** Whether a file was written within a minute before another file, which was written just now. */
async function isFresh(path: string, writtenNow: string): Promise<boolean> {
  const [found, now] = await Promise.all([path, writtenNow].map((each) => stat(each).catch(() => null)));
  return found !== null && (now === null || now.mtimeMs - found.mtimeMs < LEFT_BEHIND);
}
