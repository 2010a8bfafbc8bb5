import { checkByteCount } from '../image-limits.js';

/**
 * Reads a stream to its end or to the limit, without waiting for more.
 *
 * @param name - Its name in the message.
 * @throws FerError `TOO_LARGE` for more than `maxBytes` bytes.
 */
export async function readStream(stream: AsyncIterable<Uint8Array>, maxBytes: number, name: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    length += chunk.length;
    checkByteCount(length, maxBytes, name);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
