import { FerError } from '../errors.js';
import type { ImageFormat } from './image-format.js';

/**
 * Refuses an encoded image of more than `maxFrames` frames or pages, by its structure, without decoding.
 *
 * @param name - Name of the image in the message.
 * @throws FerError `TOO_LARGE`.
 */
export function checkFrameCount(bytes: Uint8Array, format: ImageFormat, maxFrames: number, name: string): void {
  if (maxFrames === Number.POSITIVE_INFINITY) return;
  // Counting ends soon after the limit, because a chain of pages may be circular.
  if (counters[format](bytes, maxFrames) <= maxFrames) return;
  throw new FerError('TOO_LARGE', `${name} has more than ${maxFrames} frames; maxFrames raises the limit`);
}

/**
 * The number of frames or pages; any number above `enough` means more than that. Reading past the end gives NaN or 0,
 * which ends the loop; the decoder then reports a broken file.
 */
type FrameCounter = (bytes: Uint8Array, enough: number) => number;

const counters: Record<ImageFormat, FrameCounter> = {
  jpeg: () => 1,

  /** PNG 3rd edition, 11.3.6.1: acTL has the number. */
  png(bytes) {
    const view = viewOf(bytes);
    for (let at = 8; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
      const type = textAt(bytes, at + 4);
      if (type === 'acTL') return view.getUint32(at + 8);
      if (type === 'IDAT') return 1;
    }
    return 1;
  },

  /** GIF89a, appendix B: image descriptors, each followed by blocks of data. */
  gif(bytes, enough) {
    let frames = 0;
    let at = 13 + colourTable(bytes[10]);
    while (at < bytes.length && frames <= enough) {
      const introducer = bytes[at];
      if (introducer === 0x2c) {
        frames++;
        at = afterBlocks(bytes, at + 11 + colourTable(bytes[at + 9]));
      } else if (introducer === 0x21) at = afterBlocks(bytes, at + 2);
      else break;
    }
    return frames;
  },

  /** RFC 9649: a chunk ANMF is a frame. */
  webp(bytes, enough) {
    const view = viewOf(bytes);
    let frames = 0;
    let size: number;
    for (let at = 12; at + 8 <= bytes.length && frames <= enough; at += 8 + size + (size % 2)) {
      if (textAt(bytes, at) === 'ANMF') frames++;
      size = view.getUint32(at + 4, true);
    }
    return Math.max(frames, 1);
  },

  /** TIFF 6.0, section 2, and BigTIFF: each directory ends with the offset of the next. */
  tiff(bytes, enough) {
    const view = viewOf(bytes);
    const little = bytes[0] === 0x49;
    const big = view.getUint16(2, little) === 43;
    const [word, entry, counter] = big ? [8, 20, 8] : [4, 12, 2];
    const place = (at: number) => {
      if (at + word > bytes.length) return 0;
      return big ? Number(view.getBigUint64(at, little)) : view.getUint32(at, little);
    };
    // The pages are at most as many as fit into the file, even in a circular chain.
    const most = Math.min(enough, bytes.length / counter);
    let pages = 0;
    for (let at = place(word); at > 0 && at + counter <= bytes.length && pages <= most; pages++) {
      const entries = big ? Number(view.getBigUint64(at, little)) : view.getUint16(at, little);
      at = place(at + counter + entries * entry);
    }
    return pages;
  },

  /** ISO/IEC 14496-12, 8.7.3: a track's box `stsz` has its number of samples. */
  avif(bytes) {
    return Math.max(1, ...sampleCounts(bytes));
  },
};

/** Boxes on the way to `stsz`. */
const CONTAINERS = new Set(['moov', 'trak', 'mdia', 'minf', 'stbl']);

/** Tracks of an image sequence: frames, their alpha, a preview. An image has no more. */
const MOST_TRACKS = 64;

function sampleCounts(bytes: Uint8Array): number[] {
  const view = viewOf(bytes);
  const counts: number[] = [];
  // Ends of the enclosing boxes; a list, because a file may nest boxes very deeply.
  const ends = [bytes.length];
  for (let at = 0; ends.length > 0 && counts.length < MOST_TRACKS; ) {
    const to = ends[ends.length - 1];
    if (at + 8 > to) {
      at = ends.pop() as number;
      continue;
    }
    const size = view.getUint32(at);
    const type = textAt(bytes, at + 4);
    // 0 is "up to the end", 1 a length of 64 bits: both are for boxes of data.
    const end = size === 0 ? to : size === 1 && at + 16 <= to ? at + Number(view.getBigUint64(at + 8)) : at + size;
    if (end < at + 8 || end > to) {
      at = ends.pop() as number;
      continue;
    }
    if (type === 'stsz' && at + 20 <= end) counts.push(view.getUint32(at + 16));
    if (CONTAINERS.has(type)) {
      ends.push(end);
      at += 8;
    } else at = end;
  }
  return counts;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function textAt(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}

/** Bytes of a GIF's colour table, by the flags that announce it. */
function colourTable(flags: number): number {
  return flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0;
}

/** The offset after a GIF's blocks of data, each of which starts with its length; the last has none. */
function afterBlocks(bytes: Uint8Array, from: number): number {
  let at = from;
  while (bytes[at] > 0) at += 1 + bytes[at];
  return at + 1;
}
