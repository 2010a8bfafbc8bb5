import { relative } from 'node:path';
import type { ImageFolder, LeftOut } from '../node.js';
import { safeText } from '../safe-text.js';
import { tell } from './status-line.js';

/** Kinds of left-out files that a user may miss. */
export const MISSED: ReadonlySet<LeftOut['kind']> = new Set(['format', 'link', 'place']);

/** Number of left-out files by reason, most frequent first: `{ "a BMP image": 12 }`. */
export function countReasons(leftOut: readonly LeftOut[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { reason } of leftOut) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a));
}

/**
 * Prints what is left out of a folder, and which paths of lists match no file: one line per reason, with an example. With `quiet`,
 * only what a user may miss.
 */
export function tellLeftOut(folder: Pick<ImageFolder, 'leftOut' | 'unmatched'>, dir: string, quiet = false): void {
  const { leftOut, unmatched } = folder;
  for (const [reason, count] of Object.entries(countReasons(leftOut))) {
    tellReason(leftOut.find((each) => each.reason === reason) as LeftOut, count, dir, quiet);
  }
  for (const list of new Set(unmatched.map((entry) => entry.list))) {
    const entries = unmatched.filter((entry) => entry.list === list);
    const many = entries.length === 1 ? '1 entry matches' : `${entries.length.toLocaleString('en')} entries match`;
    tellOnce(`fer-dcnn: ${list}: ${many} no file, such as ${entries[0].path}`);
  }
}

/** Prints how many files are left out for a reason, with an example. */
export function tellReason({ path, kind, reason }: LeftOut, count: number, dir: string, quiet = false): void {
  if (quiet && !MISSED.has(kind)) return;
  tellOnce(`fer-dcnn: ${dir}: ${count.toLocaleString('en')} left out (${reason}), such as ${relative(dir, path)}`);
}

const told = new Set<string>();

/** A list may be read for several folders. */
function tellOnce(line: string): void {
  if (told.has(line)) return;
  told.add(line);
  tell(`${safeText(line)}\n`);
}
