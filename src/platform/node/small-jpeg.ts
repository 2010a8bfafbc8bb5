import type { JpegDecoder } from '@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs';
import type { PixelImage } from '../../runtime.js';

/** Largest width * height that is decoded here; above it, native code in another thread is faster. */
export const SMALL_JPEG_PIXELS = 2 ** 17;

/**
 * Decodes a small, plain JPEG in this thread with libjpeg-turbo in WebAssembly: the same pixels as sharp, bit for bit,
 * in a seventh of the time for 96x96, because most of sharp's time is overhead.
 *
 * Plain means: baseline, 8 bits, grey or YCbCr, without metadata that changes the appearance (EXIF, a colour profile) and without
 * segments that libjpeg-turbo cannot handle. sharp decodes everything else, and reports what is wrong with a broken file.
 *
 * @param bytes - The encoded image.
 * @param maxPixels - Largest width * height.
 * @returns Three channels, also for a grey image; null if sharp must decode it.
 */
export async function decodeSmallJpeg(bytes: Uint8Array, maxPixels: number): Promise<PixelImage | null> {
  const frame = plainFrame(bytes);
  if (!frame || frame.width * frame.height > Math.min(maxPixels, SMALL_JPEG_PIXELS)) return null;
  const turbo = await startTurbo();
  if (!turbo || turbo.spent) return null;
  const { decoder } = turbo;
  try {
    decoder.getEncodedBuffer(bytes.length).set(bytes);
    decoder.decode();
    const { width, height, componentCount } = decoder.getFrameInfo();
    if (width !== frame.width || height !== frame.height || componentCount !== frame.components) return null;
    const pixels = decoder.getDecodedBuffer();
    return { data: componentCount === 3 ? new Uint8Array(pixels) : asColour(pixels), width, height, channels: 3 };
  } catch {
    // It leaks its memory when it throws: after some broken files its memory would be full.
    turbo.spent = true;
    starting = undefined;
    return null;
  }
}

/** More than any valid image with so few pixels needs. */
const MAX_BYTES = 2 ** 19;

const SOI = 0xffd8;
const EOI = 0xffd9;
const BASELINE = 0xffc0;
const SCAN = 0xffda;
/** JFIF, quantization, Huffman tables, restart interval, comment: segments without orientation or colour. */
const PLAIN_SEGMENTS = new Set([0xffe0, 0xffdb, 0xffc4, 0xffdd, 0xfffe]);

interface Frame {
  width: number;
  height: number;
  components: number;
}

/** The size of a plain JPEG, by its segments (ITU-T T.81, annex B) up to the first scan; null for any other. */
function plainFrame(bytes: Uint8Array): Frame | null {
  const { length } = bytes;
  if (length < 4 || length > MAX_BYTES) return null;
  const word = (at: number) => (bytes[at] << 8) | bytes[at + 1];
  if (word(0) !== SOI || word(length - 2) !== EOI) return null;

  let frame: Frame | null = null;
  let size: number;
  for (let at = 2; at + 4 <= length; at += 2 + size) {
    const marker = word(at);
    size = word(at + 2);
    if (marker === SCAN) return frame;
    if (marker === BASELINE) {
      if (frame || at + 2 + size > length) return null;
      frame = baselineFrame(bytes.subarray(at + 4, at + 2 + size));
      if (!frame) return null;
    } else if (size < 2 || !PLAIN_SEGMENTS.has(marker)) return null;
  }
  return null;
}

/** Component numbers other than 1, 2, 3 mean RGB or another colour space. */
function baselineFrame(segment: Uint8Array): Frame | null {
  const [bits, high, low, wide, narrow, components] = segment;
  if (bits !== 8 || (components !== 1 && components !== 3) || segment.length !== 6 + 3 * components) return null;
  for (let k = 0; k < components; k++) if (segment[6 + 3 * k] !== k + 1) return null;
  const height = (high << 8) | low;
  const width = (wide << 8) | narrow;
  return width > 0 && height > 0 ? { width, height, components } : null;
}

interface Turbo {
  decoder: JpegDecoder;
  /** It has thrown; the next image starts a new decoder. */
  spent: boolean;
}

/** Null if the package is missing, as in a bundled program, or may not compile WebAssembly. */
function startTurbo(): Promise<Turbo | null> {
  starting ??= import('@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs')
    .then(async ({ default: start }) => {
      const codec = await start({ print() {}, printErr() {} });
      return { decoder: new codec.JPEGDecoder(), spent: false };
    })
    .catch(() => null);
  return starting;
}

let starting: Promise<Turbo | null> | undefined;

function asColour(grey: Uint8ClampedArray): Uint8Array {
  const colour = new Uint8Array(3 * grey.length);
  for (let k = 0; k < colour.length; k++) colour[k] = grey[Math.floor(k / 3)];
  return colour;
}
