import { FerError } from '../errors.js';

/**
 * Parses CSV (RFC 4180) into rows; empty lines are left out.
 *
 * @param place - The file, for messages.
 * @throws FerError `DATA` for a misplaced quote; the message names the row.
 */
export function parseCsv(text: string, place: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  // A field, quoted or plain, and its end. A byte order mark is not part of the first field.
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|\n|\r|$)/y;
  field.lastIndex = text.startsWith('\ufeff') ? 1 : 0;
  while (field.lastIndex < text.length) {
    const match = field.exec(text);
    if (!match) throw new FerError('DATA', `${place}, row ${rows.length + 1}: misplaced quote`);
    row.push(match[1]?.replaceAll('""', '"') ?? match[2]);
    if (match[3] === ',' && field.lastIndex < text.length) continue;
    if (match[3] === ',') row.push('');
    if (row.length > 1 || row[0] !== '') rows.push(row);
    row = [];
  }
  return rows;
}
