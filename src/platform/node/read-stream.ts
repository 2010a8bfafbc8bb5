import { checkByteCount } from '../image-limits.js';

/**
 * Reads a stream to its end, or to its limit: what comes after that is not waited for.
 *
 * @param name - What it is called in the message.
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
