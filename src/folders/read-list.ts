import { FerError, reasonOf } from '../errors.js';
import { readRegularFileSync } from '../platform/node/read-regular-file.js';

/**
 * Reads a text file from a person or another program: UTF-8 or UTF-16, with or without a byte order mark.
 *
 * @param what - Name of the file in messages: "the list faces.txt".
 * @returns The text without the mark.
 * @throws FerError `NOT_FOUND`; `DATA` for a file that is not text.
 */
export function readList(path: string, what: string): string {
  let bytes: Buffer;
  try {
    bytes = readRegularFileSync(path);
  } catch (error) {
    throw new FerError('NOT_FOUND', `${what} cannot be read: ${reasonOf(error)}`, { cause: error });
  }
  const text = new TextDecoder(encodingOf(bytes)).decode(bytes);
  if (text.includes('\0')) throw new FerError('DATA', `${what} is not text: it contains zero bytes`);
  return text;
}

/** Detects the encoding by the byte order mark; without one, by the positions of zero bytes, because file names are mostly Latin letters. */
function encodingOf(bytes: Buffer): 'utf-8' | 'utf-16le' | 'utf-16be' {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  if (first !== 0 && second === 0) return 'utf-16le';
  return first === 0 && second !== 0 && bytes.length > 1 ? 'utf-16be' : 'utf-8';
}
