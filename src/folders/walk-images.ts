import { closeSync, type Dirent, lstatSync, openSync, readdirSync, readSync, realpathSync, statSync } from 'node:fs';
import { extname, join, relative, resolve, sep } from 'node:path';
import { FerError, reasonOf } from '../errors.js';
import { FORMAT_HEAD_BYTES, otherFormat, readFormat } from '../platform/image-format.js';

/** A file or folder that is not used, and why. */
export interface LeftOut {
  path: string;
  /**
   * - `excluded`: by the option `exclude`
   * - `format`: a picture or video in an unsupported format
   * - `no-image`: text, data, a device
   * - `ending`: not among the option `extensions`
   * - `link`: it leads out of the folder, is broken, or leads to a file that is read directly
   * - `hidden`: an image whose name begins with a dot
   * - `system`: a folder of an operating system, such as `__MACOSX`
   * - `place`: an image outside the class folders
   * - `empty`: a folder without an image, which is not a class
   */
  kind: 'excluded' | 'format' | 'no-image' | 'ending' | 'link' | 'hidden' | 'system' | 'place' | 'empty';
  /** In a few words: "a BMP image". */
  reason: string;
}

/** An image below one of the folders. */
export interface FoundImage {
  path: string;
  /** Index of the folder. */
  top: number;
}

/** File endings that mean an image; such files are not opened to check. */
export const IMAGE_ENDINGS = ['.jpg', '.jpeg', '.png', '.webp', '.avif', '.gif', '.tif', '.tiff'];

/**
 * Walks through folders for images, each file and folder once, even if several links lead to it. A link is followed if it
 * leads to something inside `root` that is not read directly. A file with an unknown ending is opened to check its content.
 *
 * @param tops - Folders inside `root`, or `root` itself.
 * @param root - The real path of a folder; nothing outside it is read.
 * @param endings - Use files with these endings only (in lower case), without a check of their content.
 * @returns Images and what is left out, in no particular order; `null` at each folder, so that a caller can stop.
 * @throws FerError `NOT_FOUND` for a folder that cannot be listed.
 */
export function* walkImages(
  tops: readonly string[],
  root: string,
  endings?: ReadonlySet<string>,
): Generator<FoundImage | LeftOut | null, void, undefined> {
  const seen = new Set<string>();
  const links: FoundImage[] = [];

  function* visit(folder: string, real: string, top: number): Generator<FoundImage | LeftOut | null> {
    seen.add(real);
    yield null;
    const folders: string[] = [];
    for (const entry of entriesOf(folder)) {
      const { name } = entry;
      const path = join(folder, name);
      const trouble = unwanted(entry, path);
      if (trouble === 'hidden') continue;
      if (trouble !== null) yield trouble;
      else if (entry.isSymbolicLink()) links.push({ path, top });
      else if (entry.isDirectory()) folders.push(name);
      else if (entry.isFile()) yield take(path, join(real, name), top);
      else yield { path, kind: 'no-image', reason: 'neither a file nor a folder' };
    }
    for (const name of folders) {
      const below = join(real, name);
      if (!seen.has(below)) yield* visit(join(folder, name), below, top);
    }
  }

  function take(path: string, real: string, top: number): FoundImage | LeftOut {
    seen.add(real);
    return noImage(path, endings) ?? { path, top };
  }

  for (const [top, path] of tops.entries()) {
    if (lstatSync(path).isSymbolicLink() && realpathSync(path) !== root) links.push({ path, top });
    else if (!seen.has(realpathSync(path))) yield* visit(path, realpathSync(path), top);
  }
  // A link to a folder above it: that folder is read directly.
  seen.add(root);
  // The list grows as folders behind links are visited.
  for (const { path, top } of links) {
    const real = realOf(path);
    const reason =
      real === null
        ? 'a broken link'
        : seen.has(real)
          ? 'a link to a file or folder that is read directly'
          : isInside(real, root)
            ? null
            : 'a link that leads out of the folder';
    if (real === null || reason !== null) yield { path, kind: 'link', reason: reason ?? '' };
    else if (statSync(real).isDirectory()) yield* visit(path, real, top);
    else if (statSync(real).isFile()) yield take(path, real, top);
  }
}

/**
 * Whether a file is an image, by its ending or, if the ending is unknown, by its content.
 *
 * @returns null for an image.
 */
export function noImage(path: string, endings?: ReadonlySet<string>): LeftOut | null {
  const ending = extname(path).toLowerCase();
  if (endings !== undefined) return endings.has(ending) ? null : { path, kind: 'ending', reason: NOT_AMONG };
  return KNOWN.has(ending) ? null : noImageInside(path);
}

/** Why a name is left out; `hidden` for files that are not reported, null for names that are not left out. */
export function unwanted(entry: Dirent, path: string): LeftOut | 'hidden' | null {
  const { name } = entry;
  if (name.startsWith('.')) {
    // macOS stores metadata of a.jpg in ._a.jpg.
    const isImage = !entry.isDirectory() && !name.startsWith('._') && KNOWN.has(extname(name).toLowerCase());
    return isImage ? { path, kind: 'hidden', reason: 'hidden: its name begins with a dot' } : 'hidden';
  }
  const isFolder = entry.isDirectory() || entry.isSymbolicLink();
  return isFolder && isSystemFolder(name) ? { path, kind: 'system', reason: 'a folder of an operating system' } : null;
}

/** Whether a folder was created by an operating system, not by a user. */
export function isSystemFolder(name: string): boolean {
  return SYSTEM.test(name);
}

const KNOWN: ReadonlySet<string> = new Set(IMAGE_ENDINGS);

const NOT_AMONG = 'not among the extensions';

const SYSTEM = /^(__MACOSX|@eaDir|#recycle|\$RECYCLE\.BIN|System Volume Information|lost\+found)$/i;

function entriesOf(folder: string): Dirent[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    throw new FerError('NOT_FOUND', `${folder} cannot be listed: ${reasonOf(error)}`, { cause: error });
  }
}

function noImageInside(path: string): LeftOut | null {
  const head = new Uint8Array(FORMAT_HEAD_BYTES);
  let length: number;
  try {
    const file = openSync(path, 'r');
    try {
      length = readSync(file, head, 0, head.length, 0);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    return { path, kind: 'no-image', reason: `it cannot be opened: ${(error as NodeJS.ErrnoException).code}` };
  }
  const bytes = head.subarray(0, length);
  if (readFormat(bytes) !== null) return null;
  const { name, isPicture } = otherFormat(bytes);
  return { path, kind: isPicture ? 'format' : 'no-image', reason: name };
}

function realOf(link: string): string | null {
  try {
    return realpathSync(link);
  } catch {
    return null;
  }
}

function isInside(path: string, root: string): boolean {
  const way = relative(root, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && resolve(root, way) === path;
}
