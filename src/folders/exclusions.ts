import { dirname, relative, resolve, sep } from 'node:path';
import { FerError, reasonOf } from '../errors.js';
import { writeFileWhole } from '../platform/node/write-file.js';
import { readList } from './read-list.js';

/** A file to leave out, and why. */
export interface Exclusion {
  path: string;
  reason: string;
}

/**
 * Reads a list of files to leave out: one path per line, relative to the list's folder; lines that begin with `#` are
 * comments. A path in double quotes is JSON.
 *
 * @returns Absolute paths.
 * @throws FerError `NOT_FOUND` for a missing list, `DATA` for a file that is not text, or a quoted line that is not JSON.
 */
export function readExclusions(list: string): Set<string> {
  const text = readList(list, `the list ${list}`);
  const paths = new Set<string>();
  text.split(/\r\n|\n|\r/).forEach((line, index) => {
    if (line.trim() === '' || line.startsWith('#')) return;
    paths.add(resolve(dirname(list), line.startsWith('"') ? unquoted(line, `${list}, line ${index + 1}`) : line));
  });
  return paths;
}

/** Writes a list that {@link readExclusions} reads, each path below a comment with its reason. */
export async function writeExclusions(list: string, exclusions: readonly Exclusion[]): Promise<void> {
  const lines = [
    '# Files to leave out, relative to this one: imageFolder(dir, { exclude }), fer-dcnn train --exclude.',
  ];
  for (const { path, reason } of exclusions) {
    lines.push(`# ${reason.replace(/\p{Cc}+/gu, ' ')}`, quotedIfNeeded(relative(dirname(list), path)));
  }
  await writeFileWhole(list, `${lines.join('\n')}\n`);
}

function unquoted(line: string, place: string): string {
  try {
    return String(JSON.parse(line));
  } catch (error) {
    throw new FerError('DATA', `${place}: not a quoted path: ${reasonOf(error)}`, { cause: error });
  }
}

/** A path with slashes on all systems; in quotes if a plain line would be read differently. */
function quotedIfNeeded(path: string): string {
  const portable = sep === '\\' ? path.replaceAll('\\', '/') : path;
  return /^["#]|^\s|\s$|\p{Cc}/u.test(portable) ? JSON.stringify(portable) : portable;
}
