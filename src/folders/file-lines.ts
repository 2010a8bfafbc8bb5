import { createReadStream } from 'node:fs';
import { FerError } from '../errors.js';

/** A line of a file, and its position. */
export interface FileLine {
  text: string;
  /** Line number, from 1. */
  line: number;
  /** Offset of the first byte, and number of bytes without the line end. */
  offset: number;
  length: number;
}

/**
 * Reads a file line by line; it may be larger than memory.
 *
 * @throws FerError `DATA` for a line of more than 16 MiB: the file is not text.
 */
export async function* fileLines(path: string): AsyncGenerator<FileLine, void, undefined> {
  let rest: Buffer = Buffer.alloc(0);
  let line = 0;
  let offset = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 18 }) as AsyncIterable<Buffer>) {
    let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10)) {
      line++;
      yield lineOf(bytes.subarray(0, end), line, offset);
      offset += end + 1;
      bytes = bytes.subarray(end + 1);
    }
    if (bytes.length > LONGEST) throw new FerError('DATA', `${path}, line ${line + 1}: longer than 16 MiB`);
    rest = bytes;
  }
  if (rest.length > 0) yield lineOf(rest, line + 1, offset);
}

const LONGEST = 2 ** 24;

function lineOf(bytes: Buffer, line: number, offset: number): FileLine {
  const text = bytes.toString('utf8').replace(/\r$/, '');
  return { text: line === 1 ? text.replace(/^\ufeff/, '') : text, line, offset, length: bytes.length };
}
