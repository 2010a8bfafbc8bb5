import { randomUUID } from 'node:crypto';
import { link, open, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FerError } from '../errors.js';
import { readRegularFile } from '../platform/node/read-regular-file.js';
import { writeFileWhole } from '../platform/node/write-file.js';

/** The owner of a results file, as in `<file>.owner` beside it. */
export interface FileOwner {
  /** Identifies the file in the ledger, under any path. */
  id: string;
  /** The queue's name. */
  queue: string;
  /** The queue's ledger. */
  ledger: string;
}

/**
 * Makes a queue the owner of a results file, unless it is already. After a lost ledger, the next ledger of the same queue gets the
 * file.
 *
 * @throws FerError `OPTION` when another queue owns the file.
 */
export async function ownFile(file: string, queue: string, ledger: string): Promise<FileOwner> {
  const mine: FileOwner = { id: randomUUID(), queue, ledger };
  for (;;) {
    const owner = await readOwner(file);
    if (owner?.queue === queue && owner.ledger === ledger) return owner;
    if (owner !== null && owner.queue !== queue) {
      throw new FerError(
        'OPTION',
        `${file} has results of the queue ${owner.queue}: use another file, or delete ${file}${OWNER} if that queue is gone`,
      );
    }
    if (owner !== null) {
      await writeFileWhole(file + OWNER, text(mine));
      return mine;
    }
    if (await made(file, mine)) return mine;
  }
}

/** The owner of a results file, or null. */
export async function readOwner(file: string): Promise<FileOwner | null> {
  for (let tries = 0; ; tries++) {
    try {
      const { id, queue, ledger } = JSON.parse(String(await readRegularFile(file + OWNER))) as FileOwner;
      if ([id, queue, ledger].every((each) => typeof each === 'string')) return { id, queue, ledger };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      if (!(error instanceof SyntaxError)) throw error;
    }
    // On disks without hard links the file is created first and written then.
    if (tries === 20) throw new FerError('OPTION', `${file}${OWNER} is damaged: delete it when no worker runs`);
    await sleep(50);
  }
}

/** The results file in a folder with the `id` of the ledger, or null. Redis never names a path of this machine. */
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

/** Creates the owner file unless it exists already. If the disk supports hard links, nobody sees it half written. */
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
