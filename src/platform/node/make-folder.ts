import { mkdirSync, statSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/*
 * Not `mkdir(path, { recursive: true })`: in Node 20 to 24 it never returns inside folders where nothing can be created, such as
 * Linux's /proc.
 */

/**
 * Creates a folder and its parents if they do not exist.
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

/** Synchronous {@link makeFolder}. */
export function makeFolderSync(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    if (isMissing(error) && dirname(path) !== path) {
      makeFolderSync(dirname(path));
      // Another process may have created it meanwhile; the parent exists, so this ends.
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
