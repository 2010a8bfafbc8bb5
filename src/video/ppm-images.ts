import { FerError } from '../errors.js';
import { checkPixelCount } from '../platform/check-pixel-count.js';
import type { PixelImage } from '../runtime.js';

/**
 * Reads a stream of PPM images (`P6`, 8 bits), as written by ffmpeg; each has its own size. Only one image is in memory at a time.
 *
 * @param maxPixels - Largest width * height of an image; no memory is allocated above it.
 * @throws FerError `DECODE` for bytes that are not PPM, `TOO_LARGE`; an incomplete image is left out.
 */
export async function* ppmImages(
  chunks: AsyncIterable<Uint8Array>,
  maxPixels: number,
): AsyncGenerator<PixelImage, void, undefined> {
  let head: Uint8Array = new Uint8Array(0);
  let image: PixelImage | null = null;
  let filled = 0;
  for await (const chunk of chunks) {
    let rest = chunk;
    while (rest.length > 0) {
      if (image === null) {
        const joined: Uint8Array = head.length === 0 ? rest : Buffer.concat([head, rest]);
        const header = readHeader(joined);
        if (header === null) {
          head = joined.slice();
          break;
        }
        head = new Uint8Array(0);
        const { width, height } = header;
        checkPixelCount(width, height, maxPixels, 'a frame from ffmpeg');
        image = { data: new Uint8Array(width * height * 3), width, height, channels: 3 };
        filled = 0;
        rest = joined.subarray(header.length);
      }
      const taken = rest.subarray(0, image.data.length - filled);
      image.data.set(taken, filled);
      filled += taken.length;
      rest = rest.subarray(taken.length);
      if (filled === image.data.length) {
        yield image;
        image = null;
      }
    }
  }
}

/** "P6\n640 480\n255\n"; null when more bytes are needed. */
function readHeader(bytes: Uint8Array): { width: number; height: number; length: number } | null {
  const text = Buffer.from(bytes.subarray(0, LONGEST_HEADER)).toString('latin1');
  const match = /^P6\s+(\d+)\s+(\d+)\s+255\s/.exec(text);
  if (match !== null) return { width: Number(match[1]), height: Number(match[2]), length: match[0].length };
  if (bytes.length < LONGEST_HEADER) return null;
  throw new FerError('DECODE', 'the output of ffmpeg is not a PPM image');
}

const LONGEST_HEADER = 64;
