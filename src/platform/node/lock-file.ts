import { randomUUID } from 'node:crypto';
import { type FileHandle, link, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FerError } from '../../errors.js';
import { makeFolder } from './make-folder.js';
import { readRegularFile } from './read-regular-file.js';

/**
 * Takes a lock: a file that says which process has it. A lock whose process is gone (killed, or of another machine that has
 * not written to it for a minute, by the clock of the disk: those of machines differ, and jump) is taken over.
 *
 * @param path - Its folder is made when it is not there.
 * @returns What gives the lock back.
 * @throws FerError `CHECKPOINT` while another process, or another caller in this one, has it; and what the file system
 * throws.
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

/** Locks of this process, and those that it is asking for. */
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
 * Removes a lock whose process is gone, unless somebody else has done so. One at a time may, or one that looked before would
 * remove what another has put there since: who does it has a lock of its own for that long.
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

/** Those of processes that were killed while they asked for the lock. */
async function removeLeftNeighbours(path: string): Promise<void> {
  for (const name of await readdir(dirname(path)).catch(() => [])) {
    if (!name.startsWith(`${basename(path)}.`) || !name.endsWith('.tmp')) continue;
    const neighbour = join(dirname(path), name);
    if (!(await isFresh(neighbour, path))) await rm(neighbour, { force: true }).catch(() => {});
  }
}

/** Who has the lock; null when it does not say. */
async function ownerOf(path: string): Promise<Owner | null | 'gone'> {
  try {
    const owner = JSON.parse((await readRegularFile(path)).toString()) as Owner | null;
    return Number.isInteger(owner?.pid) && typeof owner?.host === 'string' ? owner : null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'gone' : null;
  }
}

/** Bound to this very file: what is written there is never written into a lock that somebody else has put in its place. */
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
    // A process number is used again, most often after a container's restart: by this very process.
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

/** Whether a file was written to within a minute before another one, which was written to just now. */
async function isFresh(path: string, writtenNow: string): Promise<boolean> {
  const [found, now] = await Promise.all([path, writtenNow].map((each) => stat(each).catch(() => null)));
  return found !== null && (now === null || now.mtimeMs - found.mtimeMs < LEFT_BEHIND);
}
