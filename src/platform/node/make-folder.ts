import { mkdirSync, statSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/*
 * Not `mkdir(path, { recursive: true })`: below folders in which nothing can be made, such as Linux's /proc, that of Node 20 to
 * 24 never ends.
 */

/**
 * Makes a folder, and those above it, where they are not there.
 *
 * @throws what the file system throws.
 * @example
 * await makeFolder('runs/first');
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (isMissing(error) && dirname(path) !== path) {
      await makeFolder(dirname(path));
      await mkdir(path).catch((again) => unlessThere(again));
    } else await unlessThere(error);
  }

  async function unlessThere(error: unknown): Promise<void> {
    if (!(await stat(path).catch(() => null))?.isDirectory()) throw error;
  }
}

/** {@link makeFolder}, at once. */
export function makeFolderSync(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    if (isMissing(error) && dirname(path) !== path) {
      makeFolderSync(dirname(path));
      // Somebody else may have made it in the meantime; the folder above is there, so that this ends.
      if (!isFolder(path)) mkdirSync(path);
    } else if (!isFolder(path)) throw error;
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
