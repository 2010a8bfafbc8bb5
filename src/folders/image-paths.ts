import { statSync } from 'node:fs';
import { join } from 'node:path';
import { FerError } from '../errors.js';

/**
 * The images that a name stands for: a file is itself, a folder is all images below it, and anything else with `*`, `?`,
 * `[` or `{` in it is a pattern (`faces/**\/*.png`), for shells that leave patterns as they are.
 *
 * @returns Paths in the order of UTF-16 code units. What is neither there nor a pattern is given back as it is.
 * @throws FerError `NOT_FOUND` when a folder holds no image or nothing fits a pattern.
 */
export async function imagePaths(name: string): Promise<string[]> {
  const { glob, isDynamicPattern } = await import('tinyglobby');
  const kind = statSync(name, { throwIfNoEntry: false });
  if (kind?.isDirectory()) {
    const found = await glob(`**/*.{${EXTENSIONS.join(',')}}`, { cwd: name, caseSensitiveMatch: false });
    if (found.length === 0) throw new FerError('NOT_FOUND', `${name} holds no image (${EXTENSIONS.join(', ')})`);
    return found.map((path) => join(name, path)).sort();
  }
  if (kind !== undefined || !isDynamicPattern(name)) return [name];
  const pattern = process.platform === 'win32' ? name.replaceAll('\\', '/') : name;
  const found = await glob(pattern, { expandDirectories: false });
  if (found.length === 0) throw new FerError('NOT_FOUND', `no file fits ${name}`);
  return found.sort();
}

// --- below this line: helpers of this file alone ---

const EXTENSIONS = ['jpg', 'jpeg', 'png', 'webp', 'avif', 'gif', 'tif', 'tiff'];
