import { type Dirent, readdir, realpathSync, type Stats, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { FileSystemAdapter } from 'tinyglobby';
import { throwIfAborted } from '../abort.js';
import { FerError } from '../errors.js';
import { type LeftOut, walkImages } from './walk-images.js';

export interface ImagePathsOptions {
  /** Stops the search. */
  signal?: AbortSignal;
  /** Called with each file of a folder that is not used. */
  onLeftOut?: (leftOut: LeftOut) => void;
}

/**
 * Expands a name to the paths of images. A file stands for itself, a folder for all images below it. Any other name with `*`,
 * `?`, `[` or `{` is a pattern (`faces/**\/*.png`), for shells that do not expand patterns. Links out of a folder are not
 * followed. A pattern matches links to files, but does not follow links to folders.
 *
 * @returns Paths in the order of UTF-16 code units. A name that is neither a file nor a pattern is returned unchanged.
 * @throws FerError `NOT_FOUND` when a folder contains no image or no file matches a pattern; `ABORTED`.
 */
export async function imagePaths(name: string, options: ImagePathsOptions = {}): Promise<string[]> {
  const { signal } = options;
  const kind = statOf(name);
  if (kind?.isDirectory()) return imagesBelow(name, options);
  const { glob, isDynamicPattern } = await import('tinyglobby');
  if (kind !== undefined || !isDynamicPattern(name)) return [name];
  const pattern = process.platform === 'win32' ? name.replaceAll('\\', '/') : name;
  const found = await glob(pattern, {
    expandDirectories: false,
    followSymbolicLinks: false,
    signal,
    fs: LINKS_AS_FILES,
  });
  throwIfAborted(signal, 'the search for images');
  if (found.length === 0) throw new FerError('NOT_FOUND', `no file matches ${name}`);
  return found.sort();
}

/** Undefined for a missing file, and for text that cannot be a path, such as 100,000 letters. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

async function imagesBelow(dir: string, { signal, onLeftOut }: ImagePathsOptions): Promise<string[]> {
  const found: string[] = [];
  for (const step of walkImages([dir], realpathSync(dir))) {
    if (step === null) {
      // After each folder, check the signal.
      await setImmediate();
      throwIfAborted(signal, 'the search for images');
    } else if ('kind' in step) onLeftOut?.(step);
    else found.push(step.path);
  }
  if (found.length === 0) throw new FerError('NOT_FOUND', `${dir} contains no image`);
  return found.sort();
}

/** A file system where a link to a file counts as a file. Other links are not followed. */
const LINKS_AS_FILES: FileSystemAdapter = {
  readdir: ((path: string, options: { withFileTypes: true }, done: (error: Error | null, entries: Dirent[]) => void) =>
    readdir(path, options, (error, entries) => {
      for (const entry of entries ?? []) {
        if (!entry.isSymbolicLink()) continue;
        if (!leadsToFile(resolve(path, entry.name))) continue;
        entry.isSymbolicLink = () => false;
        entry.isFile = () => true;
      }
      done(error, entries);
    })) as unknown as FileSystemAdapter['readdir'],
};

function leadsToFile(link: string): boolean {
  try {
    return statSync(link).isFile();
  } catch {
    return false; // broken or circular
  }
}
