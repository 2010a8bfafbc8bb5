import { randomUUID } from 'node:crypto';
import { link, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FerError } from '../errors.js';

/**
 * Takes a lock: a file that says which process has it. A lock whose process is gone (killed, or of another machine that has
 * not touched it for a minute) is taken over.
 *
 * @param path - Its folder is made when it is not there.
 * @returns What gives the lock back.
 * @throws FerError `CHECKPOINT` while another process, or another caller in this one, has it; and what the file system
 * throws.
 * @example
 * const unlock = await lockFile('runs/first/training.lock');
 */
export async function lockFile(path: string): Promise<() => Promise<void>> {
  await mkdir(dirname(path), { recursive: true });
  const mine: Owner = { pid: process.pid, host: hostname(), id: randomUUID() };
  const neighbour = `${path}.${mine.id}.tmp`;
  try {
    await writeFile(neighbour, JSON.stringify(mine), { flush: true });
    while (!(await linked(neighbour, path))) {
      const owner = await ownerOf(path);
      if (owner === 'gone') continue;
      if (await isAlive(owner, path)) {
        const who = owner === null ? 'another process' : `process ${owner.pid} on ${owner.host}`;
        throw new FerError(
          'CHECKPOINT',
          `${who} trains into this folder: wait for it, or, if it is gone, delete ${path}`,
        );
      }
      // Of several that take over at once, the last to rename has it: each looks again after all have.
      await rename(neighbour, path);
      await sleep(SETTLED);
      const now = await ownerOf(path);
      if (now !== 'gone' && now?.id === mine.id) break;
      await writeFile(neighbour, JSON.stringify(mine), { flush: true });
    }
  } finally {
    await rm(neighbour, { force: true });
  }
  held.add(mine.id);
  await removeLeftNeighbours(path);
  const beat = setInterval(() => utimes(path, new Date(), new Date()).catch(() => {}), HEARTBEAT).unref();
  return async () => {
    clearInterval(beat);
    held.delete(mine.id);
    const owner = await ownerOf(path);
    if (owner !== 'gone' && owner?.id === mine.id) await rm(path, { force: true });
  };
}

// --- below this line: helpers of this file alone ---

interface Owner {
  pid: number;
  host: string;
  id: string;
}

/** Locks of this process. */
const held = new Set<string>();

/** Milliseconds. */
const HEARTBEAT = 10_000;
const LEFT_BEHIND = 60_000;
const SETTLED = 100;

/** Makes the lock if there is none, whole from the first moment on. */
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

/** Those of processes that were killed while they asked for the lock. */
async function removeLeftNeighbours(path: string): Promise<void> {
  for (const name of await readdir(dirname(path)).catch(() => [])) {
    if (!name.startsWith(`${basename(path)}.`) || !name.endsWith('.tmp')) continue;
    const neighbour = join(dirname(path), name);
    if (!(await isFresh(neighbour))) await rm(neighbour, { force: true }).catch(() => {});
  }
}

/** Who has the lock; null when it does not say. */
async function ownerOf(path: string): Promise<Owner | null | 'gone'> {
  try {
    const owner = JSON.parse(await readFile(path, 'utf8')) as Owner | null;
    return Number.isInteger(owner?.pid) && typeof owner?.host === 'string' ? owner : null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'gone' : null;
  }
}

async function isAlive(owner: Owner | null, path: string): Promise<boolean> {
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
  return isFresh(path);
}

/** Whether a file was touched of late; clocks of machines differ, either way. */
async function isFresh(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  return found !== null && Math.abs(Date.now() - found.mtimeMs) < LEFT_BEHIND;
}
