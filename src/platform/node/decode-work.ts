import type { ImageFormat } from '../image-format.js';

/** Estimated work of decoding an image, from its header. */
export interface DecodeWork {
  width: number;
  height: number;
  /** Milliseconds on one core of an idle virtual machine of 2025. */
  milliseconds: number;
  /** Bytes of additional memory, including the encoded bytes. */
  bytes: number;
}

/** Reads other headers with sharp's `metadata`. */
export type ReadHeader = () => Promise<{
  width: number;
  height: number;
  channels?: number;
  depth?: string;
  space?: string;
}>;

/**
 * Estimates an upper bound for the work of decoding an image, before decoding, from format, pixels, bytes, and JPEG scans.
 * The figures are upper bounds over solid and noisy images, measured with sharp (docs/reliability.md has the table).
 *
 * @returns Null for a header that cannot be read: the decoder then reports what is wrong.
 */
export async function decodeWork(
  bytes: Uint8Array,
  format: ImageFormat,
  readHeader: ReadHeader,
): Promise<DecodeWork | null> {
  const { length } = bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  if (format === 'jpeg') return jpegWork(bytes);
  if (format === 'png') {
    if (length < 29) return null;
    const isInterlaced = bytes[28] !== 0;
    return work(view.getUint32(16), view.getUint32(20), length, isInterlaced ? [25, 8, 14] : [10, 8, 9]);
  }
  if (format === 'gif') {
    if (length < 10) return null;
    return work(view.getUint16(6, true), view.getUint16(8, true), length, [12, 8, 9]);
  }
  if (format === 'webp') {
    const size = webpSize(bytes, view);
    return size && work(...size, length, [25, 90, 13]);
  }

  const header = await readHeader().catch(() => null);
  if (header === null) return null;
  const { width, height, channels = 3, depth = 'uchar', space } = header;
  if (format === 'avif') {
    // At low quality, there are fewer bytes, and each costs more.
    const perPixel = Math.min(400, 65 + (650 * length) / (width * height));
    return work(width, height, length, [perPixel, 0, 23]);
  }
  const raw = channels * (DEPTH_BYTES[depth] ?? 16);
  return work(width, height, length, [3 + 2.2 * raw + (space === 'cmyk' ? 90 : 0), 8, 5 + 2 * raw]);
}

/** Nanoseconds per pixel, nanoseconds per encoded byte, bytes of memory per pixel. */
type Rates = readonly [perPixel: number, perByte: number, memory: number];

function work(width: number, height: number, length: number, [perPixel, perByte, memory]: Rates): DecodeWork {
  const pixels = width * height;
  return {
    width,
    height,
    milliseconds: (pixels * perPixel + length * perByte) / 1e6,
    bytes: pixels * memory + length,
  };
}

const DEPTH_BYTES: Record<string, number> = {
  ...{ uchar: 1, char: 1, short: 2, ushort: 2, int: 4, uint: 4, float: 4, complex: 8, double: 8, dpcomplex: 16 },
};

/** The frame and all scans (ITU-T T.81, annex B): each scan of a progressive image covers all pixels. */
function jpegWork(bytes: Uint8Array): DecodeWork | null {
  const { length } = bytes;
  let frame: { width: number; height: number; components: number; marker: number } | undefined;
  let scanned = 0;
  for (let at = 2; at >= 0 && at + 4 <= length; ) {
    if (bytes[at] !== 0xff) {
      at = bytes.indexOf(0xff, at);
      continue;
    }
    const marker = bytes[at + 1];
    if (marker === 0xd9) break;
    if (marker === 0xff) at++;
    // A stuffed 0xff, a restart marker, or a single 0xff.
    else if (marker === 0 || marker === 1 || (marker >= 0xd0 && marker <= 0xd8)) at += 2;
    else {
      if (isFrame(marker) && frame === undefined && at + 10 <= length) {
        const height = (bytes[at + 5] << 8) | bytes[at + 6];
        const width = (bytes[at + 7] << 8) | bytes[at + 8];
        frame = { width, height, components: bytes[at + 9], marker };
      }
      if (marker === 0xda) scanned += Math.max(1, bytes[at + 4]);
      at += 2 + ((bytes[at + 2] << 8) | bytes[at + 3]);
    }
  }
  if (frame === undefined) return null;
  const { width, height, components, marker } = frame;
  const isProgressive = (marker & 3) === 2;
  const isArithmetic = marker >= 0xc9;
  const perPixel = (isProgressive ? 18 + 0.8 * scanned : 6 + 0.8 * scanned) + (components === 4 ? 110 : 0);
  const memory = isProgressive ? 5 + 3 * components : 8;
  return work(width, height, length, [perPixel * (isArithmetic ? 4 : 1), isArithmetic ? 100 : 20, memory]);
}

/** SOF0 to SOF15, without DHT, JPG and DAC. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

/** Size of the canvas, or of the only frame (RFC 9649). */
function webpSize(bytes: Uint8Array, view: DataView): [number, number] | null {
  if (bytes.length < 30) return null;
  const chunk = String.fromCharCode(...bytes.subarray(12, 16));
  const three = (at: number) => view.getUint16(at, true) | (bytes[at + 2] << 16);
  if (chunk === 'VP8X') return [three(24) + 1, three(27) + 1];
  if (chunk === 'VP8 ') return [view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff];
  if (chunk !== 'VP8L') return null;
  const bits = view.getUint32(21, true);
  return [(bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1];
}
