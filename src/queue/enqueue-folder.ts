import { opendir, realpath, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { FerError, reasonOf } from '../errors.js';
import { listOf, optionsOf, text } from '../options.js';
import { type Enqueued, type EnqueueOptions, enqueue, enqueueRules } from './enqueue.js';

export interface EnqueueFolderOptions extends EnqueueOptions {
  /**
   * File name endings that count as images, in any case.
   * @default ['.jpg', '.jpeg', '.png', '.webp', '.avif', '.gif', '.tif', '.tiff']
   */
  extensions?: readonly string[];
}

/**
 * Puts the images of a folder and of all folders below it into a queue, by their absolute paths. Hidden files and symbolic
 * links are left out. Nothing is read but names, and they are not all held at a time.
 *
 * @throws FerError `NOT_FOUND` when `dir` is no folder; as {@link enqueue}.
 * @example
 * const { items, fresh } = await enqueueFolder('/faces', { connection: 'redis://localhost' });
 */
export async function enqueueFolder(dir: string, options: EnqueueFolderOptions): Promise<Enqueued> {
  checkOptions(options);
  const { extensions = EXTENSIONS, ...enqueuing } = options;
  const endings = new Set(extensions.map((ending) => ending.toLowerCase()));
  return enqueue(filesBelow(await folderOf(dir), endings), enqueuing);
}

const checkOptions = optionsOf<EnqueueFolderOptions>(
  'enqueueFolder',
  () => ({ ...enqueueRules(), extensions: listOf(text, 'a list of file name endings') }),
  'connection',
);

// --- below this line: helpers of this file alone ---

const EXTENSIONS = ['.jpg', '.jpeg', '.png', '.webp', '.avif', '.gif', '.tif', '.tiff'];

async function folderOf(dir: string): Promise<string> {
  try {
    const real = await realpath(dir);
    if ((await stat(real)).isDirectory()) return real;
  } catch (error) {
    throw new FerError('NOT_FOUND', `${dir} cannot be found: ${reasonOf(error)}`, { cause: error });
  }
  throw new FerError('NOT_FOUND', `${dir} is not a folder`);
}

async function* filesBelow(dir: string, endings: ReadonlySet<string>): AsyncGenerator<string> {
  const folders: string[] = [];
  for await (const entry of await opendir(dir)) {
    if (entry.name.startsWith('.')) continue;
    if (entry.isDirectory()) folders.push(entry.name);
    else if (entry.isFile() && endings.has(extname(entry.name).toLowerCase())) yield join(dir, entry.name);
  }
  for (const folder of folders.sort()) yield* filesBelow(join(dir, folder), endings);
}
