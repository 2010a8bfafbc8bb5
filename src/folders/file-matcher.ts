import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

/** Finds files by paths as people and programs write them. */
export interface FileMatcher {
  /** Index of the file that an absolute path means. */
  find(path: string): number | undefined;
}

/**
 * Finds files by paths of a list that another program, system or hand wrote: with backslashes, with accents composed (NFC)
 * or not (NFD). A file of exactly that path goes first.
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

/** Whether there is a file of a path, in any of the ways that {@link fileMatcher} knows. */
export function isThere(path: string): boolean {
  const ways = [path, withSlashes(path)].flatMap((each) => [each, each.normalize('NFC'), each.normalize('NFD')]);
  return [...new Set(ways)].some((each) => existsSync(each));
}

function withSlashes(path: string): string {
  return resolve(path.replaceAll('\\', '/'));
}
