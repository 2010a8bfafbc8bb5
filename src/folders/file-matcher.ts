import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

/** Finds files by paths in different spellings. */
export interface FileMatcher {
  /** Index of the file for an absolute path. */
  find(path: string): number | undefined;
}

/**
 * Finds files by the paths of a list that may come from another program or system: with backslashes, with composed (NFC) or
 * decomposed (NFD) accents. An exact match has priority.
 *
 * @example
 * const { find } = fileMatcher(['/faces/happy/zoë.png']);
 * find('/faces\\happy\\zoe\u0308.png'); // 0
 */
export function fileMatcher(files: readonly string[]): FileMatcher {
  const exact = new Map<string, number>();
  const composed = new Map<string, number>();
  for (const [index, file] of files.entries()) {
    const path = resolve(file);
    exact.set(path, index);
    if (!composed.has(path.normalize('NFC'))) composed.set(path.normalize('NFC'), index);
  }
  const find = (path: string) => exact.get(path) ?? composed.get(path.normalize('NFC'));
  return {
    find: (path) => find(path) ?? (path.includes('\\') ? find(withSlashes(path)) : undefined),
  };
}

/** Whether a path names a file, in any spelling that {@link fileMatcher} accepts. */
export function isThere(path: string): boolean {
  const ways = [path, withSlashes(path)].flatMap((each) => [each, each.normalize('NFC'), each.normalize('NFD')]);
  return [...new Set(ways)].some((each) => existsSync(each));
}

function withSlashes(path: string): string {
  return resolve(path.replaceAll('\\', '/'));
}
