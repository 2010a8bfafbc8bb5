import type { Dirent } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { realFolder } from '../folders/real-folder.js';
import { type LeftOut, noImage, unwanted } from '../folders/walk-images.js';
import { callback, listOf, optionsOf, text } from '../options.js';
import { type Enqueued, type EnqueueOptions, enqueue, enqueueRules } from './enqueue.js';

export interface EnqueueFolderOptions extends EnqueueOptions {
  /**
   * File name extensions that count as images, in upper or lower case; other files are left out.
   * @default the extensions of the supported formats; a file with another extension, or none, is recognised by its content
   */
  extensions?: readonly string[];
  /** Called with each file or folder that is left out, and the reason. */
  onLeftOut?: (leftOut: LeftOut) => void;
}

/**
 * Puts the images of a folder and of all folders below it into a queue, by their absolute paths. Hidden files and symbolic
 * links are left out. Files with the extension of an image are not opened. The list of names is never in
 * memory as a whole.
 *
 * @throws FerError `NOT_FOUND` when `dir` is not a folder; as {@link enqueue}.
 * @example
 * const { items, fresh } = await enqueueFolder('/faces', { connection: 'redis://localhost' });
 */
export async function enqueueFolder(dir: string, options: EnqueueFolderOptions): Promise<Enqueued> {
  text(dir, 'dir');
  checkOptions(options);
  const { extensions, onLeftOut, ...enqueuing } = options;
  return enqueue(filesBelow(realFolder(dir), { extensions, onLeftOut }), enqueuing);
}

const checkOptions = optionsOf<EnqueueFolderOptions>(
  'enqueueFolder',
  () => ({ ...enqueueRules(), extensions: listOf(text, 'a list of file name endings'), onLeftOut: callback }),
  'connection',
);

async function* filesBelow(
  dir: string,
  options: Pick<EnqueueFolderOptions, 'extensions' | 'onLeftOut'>,
): AsyncGenerator<string> {
  const endings = options.extensions && new Set(options.extensions.map((ending) => ending.toLowerCase()));
  const folders: string[] = [];
  for await (const entry of await opendir(dir)) {
    const path = join(dir, entry.name);
    const trouble = unwanted(entry, path) ?? (entry.isDirectory() ? null : troubleOf(entry, path, endings));
    if (trouble === null && entry.isDirectory()) folders.push(path);
    else if (trouble === null) yield path;
    else if (trouble !== 'hidden') options.onLeftOut?.(trouble);
  }
  for (const folder of folders.sort()) yield* filesBelow(folder, options);
}

function troubleOf(entry: Dirent, path: string, endings?: ReadonlySet<string>): LeftOut | null {
  if (entry.isSymbolicLink()) return { path, kind: 'link', reason: 'a link' };
  return entry.isFile() ? noImage(path, endings) : { path, kind: 'no-image', reason: 'neither a file nor a folder' };
}
