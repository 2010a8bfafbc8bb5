import type { Stats } from 'node:fs';

/**
 * Whether two reports are about the same file. A file's inode number may be reused after the file is gone, so its creation time
 * counts too. Disks without creation times report the time of the last change, or 0.
 */
export function isSameFile(one: Stats, other: Stats): boolean {
  const isKnown = [one, other].some(({ birthtimeMs, ctimeMs }) => birthtimeMs > 0 && birthtimeMs !== ctimeMs);
  return one.ino === other.ino && one.dev === other.dev && (!isKnown || one.birthtimeMs === other.birthtimeMs);
}
