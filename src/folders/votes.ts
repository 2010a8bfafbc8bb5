import { dirname, resolve } from 'node:path';
import { FerError } from '../errors.js';
import { readList } from './read-list.js';

/**
 * Reads soft labels from a CSV file: a header `file,angry,happy,...`, then a row an image. Columns are found by the class
 * names, others are ignored; paths are relative to the folder of the CSV file. Numbers may be votes or probabilities:
 * each row is divided by its sum over the classes.
 *
 * @returns Probabilities [classes] by absolute path; rows that are zero for all classes are left out.
 * @throws FerError `NOT_FOUND` for a missing file, `DATA` for a file of another shape, naming the line.
 * @example
 * const votes = readVotes('ferplus/votes.csv', ['angry', 'happy']);
 */
export function readVotes(path: string, classes: readonly string[]): Map<string, Float32Array> {
  const [header, ...rows] = parseCsv(readList(path, `votes file ${path}`), path);
  const fileColumn = header?.indexOf('file') ?? -1;
  const columns = classes.map((name) => header?.indexOf(name) ?? -1);
  const missing = ['file', ...classes].filter((name) => !header?.includes(name));
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
        `${place}: votes must be numbers from 0 up, got ${columns.map((c) => row[c]).join(',')}`,
      );
    }
    const shares = sharesOf(counts);
    if (shares !== null) votes.set(resolve(dirname(path), row[fileColumn]), shares);
  });
  return votes;
}

// --- below this line: a row, and CSV after RFC 4180 ---

/** Null for zeros. */
function sharesOf(counts: readonly number[]): Float32Array | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  // Each is a number, their sum need not be.
  if (total === Number.POSITIVE_INFINITY) return sharesOf(counts.map((count) => count / Number.MAX_VALUE));
  return total > 0 ? Float32Array.from(counts, (count) => count / total) : null;
}

function parseCsv(text: string, path: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  // A field, quoted or plain, and what ends it.
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|\n|\r|$)/y;
  while (field.lastIndex < text.length) {
    const match = field.exec(text);
    if (!match) throw new FerError('DATA', `votes file ${path}, row ${rows.length + 1}: a quote out of place`);
    row.push(match[1]?.replaceAll('""', '"') ?? match[2]);
    if (match[3] === ',' && field.lastIndex < text.length) continue;
    if (match[3] === ',') row.push('');
    if (row.length > 1 || row[0] !== '') rows.push(row);
    row = [];
  }
  return rows;
}
