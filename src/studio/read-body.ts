import type { IncomingMessage } from 'node:http';
import { FerError } from '../errors.js';

/**
 * Reads the body of a request.
 *
 * @param most - Largest size in bytes.
 * @throws FerError `TOO_LARGE` for more bytes than that; `ABORTED` when the sender stops early, because part of a file is useless.
 */
export async function readBody(request: IncomingMessage, most: number): Promise<Buffer> {
  const tooLarge = () => new FerError('TOO_LARGE', `more than ${most} bytes were sent`);
  if (Number(request.headers['content-length'] ?? 0) > most) throw tooLarge();
  const parts: Buffer[] = [];
  let length = 0;
  try {
    for await (const part of request as AsyncIterable<Buffer>) {
      length += part.length;
      if (length > most) throw tooLarge();
      parts.push(part);
    }
  } catch (error) {
    if (error instanceof FerError) throw error;
    throw new FerError('ABORTED', 'the upload was interrupted', { cause: error });
  }
  if (!request.complete) throw new FerError('ABORTED', 'the upload was interrupted');
  return Buffer.concat(parts, length);
}
