import { randomUUID } from 'node:crypto';
import { link, open, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FerError } from '../errors.js';
import { readRegularFile } from '../platform/node/read-regular-file.js';
import { writeFileWhole } from '../platform/node/write-file.js';

/** Whose a results file is, as `<file>.owner` beside it says. */
export interface FileOwner {
  /** What the ledger knows the file by, under whatever path it is seen. */
  id: string;
  /** The queue's name. */
  queue: string;
  /** The queue's ledger. */
  ledger: string;
}

/**
 * Takes a results file for a queue: the owner that it has, when that is the same queue; else a new one. A ledger that was
 * lost leaves the file to the next of the same queue.
 *
 * @throws FerError `OPTION` when another queue has it.
 */
export async function ownFile(file: string, queue: string, ledger: string): Promise<FileOwner> {
  const mine: FileOwner = { id: randomUUID(), queue, ledger };
  for (;;) {
    const owner = await readOwner(file);
    if (owner?.queue === queue && owner.ledger === ledger) return owner;
    if (owner !== null && owner.queue !== queue) {
      throw new FerError(
        'OPTION',
        `${file} has results of the queue ${owner.queue}: take another file, or delete ${file}${OWNER} if that queue is gone`,
      );
    }
    if (owner !== null) {
      await writeFileWhole(file + OWNER, text(mine));
      return mine;
    }
    if (await made(file, mine)) return mine;
  }
}

/** Who has a results file; null when nobody does. */
export async function readOwner(file: string): Promise<FileOwner | null> {
  for (let tries = 0; ; tries++) {
    try {
      const { id, queue, ledger } = JSON.parse(String(await readRegularFile(file + OWNER))) as FileOwner;
      if ([id, queue, ledger].every((each) => typeof each === 'string')) return { id, queue, ledger };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      if (!(error instanceof SyntaxError)) throw error;
    }
    // On disks without hard links it is made before it is written.
    if (tries === 20) throw new FerError('OPTION', `${file}${OWNER} is damaged: delete it when no worker runs`);
    await sleep(50);
  }
}

/** The results file of a folder that the ledger knows by `id`, or null. Redis names no path of this machine. */
export async function fileOf(folder: string, id: string, ledger: string): Promise<string | null> {
  for (const name of await readdir(folder)) {
    if (!name.endsWith(OWNER)) continue;
    const file = join(folder, name.slice(0, -OWNER.length));
    const owner = await readOwner(file).catch(() => null);
    if (owner?.id === id && owner.ledger === ledger) return file;
  }
  return null;
}

const OWNER = '.owner';

function text(owner: FileOwner): string {
  return `${JSON.stringify(owner)}\n`;
}

/** Makes the owner file if there is none, whole from the first moment on where the disk has hard links. */
async function made(file: string, owner: FileOwner): Promise<boolean> {
  const neighbour = join(dirname(file), `.${basename(file)}.${owner.id}.tmp`);
  try {
    await writeNew(neighbour, owner);
    try {
      await link(neighbour, file + OWNER);
    } catch (error) {
      if (isThere(error)) return false;
      await writeNew(file + OWNER, owner);
    }
    return true;
  } catch (error) {
    if (isThere(error)) return false;
    throw error;
  } finally {
    await rm(neighbour, { force: true });
  }
}

async function writeNew(path: string, owner: FileOwner): Promise<void> {
  const handle = await open(path, 'wx');
  try {
    await handle.writeFile(text(owner));
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isThere(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EEXIST';
}
