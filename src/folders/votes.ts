import { dirname, resolve } from 'node:path';
import { FerError } from '../errors.js';
import { parseCsv } from './csv.js';
import { readList } from './read-list.js';

/**
 * Reads soft labels from a CSV file: a header `file,angry,happy,...`, then one row per image. Columns are found by class
 * name, others are ignored; paths are relative to the folder of the CSV file. Numbers may be votes or probabilities:
 * each row is divided by its sum over the classes.
 *
 * @param indexOf - The class of a column, or -1; columns of the same class are added.
 * @returns Probabilities [classes] by absolute path; rows that are zero for all classes are left out.
 * @throws FerError `NOT_FOUND` for a missing file, `DATA` for a file with another structure; the message names the line.
 * @example
 * const votes = readVotes('ferplus/votes.csv', ['angry', 'happy']);
 */
export function readVotes(
  path: string,
  classes: readonly string[],
  indexOf: (column: string) => number = (column) => classes.indexOf(column),
): Map<string, Float32Array> {
  const [header, ...rows] = parseCsv(readList(path, `votes file ${path}`), `votes file ${path}`);
  const fileColumn = header?.indexOf('file') ?? -1;
  const classOf = (header ?? []).map((name) => (classes.includes(name) ? classes.indexOf(name) : indexOf(name)));
  const columns = [...classOf.keys()].filter((column) => classOf[column] >= 0 && column !== fileColumn);
  const missing = [
    ...(fileColumn === -1 ? ['file'] : []),
    ...classes.filter((_, c) => !columns.some((column) => classOf[column] === c)),
  ];
  if (missing.length > 0) throw new FerError('DATA', `votes file ${path} has no column ${missing.join(', ')}`);

  const votes = new Map<string, Float32Array>();
  rows.forEach((row, index) => {
    const place = `votes file ${path}, row ${index + 2}`;
    if (row.length !== header.length) {
      throw new FerError('DATA', `${place}: ${row.length} fields, the header has ${header.length}`);
    }
    const counts = columns.map((column) => Number(row[column].trim() || Number.NaN));
    if (!counts.every((count) => Number.isFinite(count) && count >= 0)) {
      throw new FerError(
        'DATA',
        `${place}: votes must be numbers of at least 0, got ${columns.map((c) => row[c]).join(',')}`,
      );
    }
    const sums = new Array<number>(classes.length).fill(0);
    for (const [k, column] of columns.entries()) sums[classOf[column]] += counts[k];
    const shares = sharesOf(sums);
    if (shares !== null) votes.set(resolve(dirname(path), row[fileColumn]), shares);
  });
  return votes;
}

/** Null for zeros. */
function sharesOf(counts: readonly number[]): Float32Array | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  // Each vote is finite, but their sum may overflow.
  if (total === Number.POSITIVE_INFINITY) return sharesOf(counts.map((count) => count / Number.MAX_VALUE));
  return total > 0 ? Float32Array.from(counts, (count) => count / total) : null;
}
