import { FerError } from '../errors.js';

/**
 * Rows of CSV after RFC 4180; empty lines are left out.
 *
 * @param place - The file, for messages.
 * @throws FerError `DATA` for a quote out of place, naming the row.
 */
export function parseCsv(text: string, place: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  // A field, quoted or plain, and what ends it. A byte order mark is not a part of the first.
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|\n|\r|$)/y;
  field.lastIndex = text.startsWith('\ufeff') ? 1 : 0;
  while (field.lastIndex < text.length) {
    const match = field.exec(text);
    if (!match) throw new FerError('DATA', `${place}, row ${rows.length + 1}: a quote out of place`);
    row.push(match[1]?.replaceAll('""', '"') ?? match[2]);
    if (match[3] === ',' && field.lastIndex < text.length) continue;
    if (match[3] === ',') row.push('');
    if (row.length > 1 || row[0] !== '') rows.push(row);
    row = [];
  }
  return rows;
}
