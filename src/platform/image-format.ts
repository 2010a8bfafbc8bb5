import { FerError } from '../errors.js';

/** A format of encoded images that is read. */
export type ImageFormat = 'jpeg' | 'png' | 'webp' | 'avif' | 'gif' | 'tiff';

/** Bytes from the start of a file that {@link imageFormat} needs to see. */
export const FORMAT_HEAD_BYTES = 256;

/**
 * Tells an image's format by its first bytes, never by its name. Formats that can run code or fetch files (SVG, PDF) do
 * not reach a decoder this way.
 *
 * @param head - The file's first {@link FORMAT_HEAD_BYTES} bytes, or all of a shorter one.
 * @param name - What the image is called in the message.
 * @throws FerError `DECODE` when it is none of {@link ImageFormat}.
 */
export function imageFormat(head: Uint8Array, name: string): ImageFormat {
  const text = String.fromCharCode(...head.subarray(0, FORMAT_HEAD_BYTES));
  if (text.startsWith('\xff\xd8\xff')) return 'jpeg';
  if (text.startsWith('\x89PNG\r\n\x1a\n')) return 'png';
  if (/^GIF8[79]a/.test(text)) return 'gif';
  if (/^RIFF....WEBP/s.test(text)) return 'webp';
  if (/^(II[*+]\0|MM\0[*+])/.test(text)) return 'tiff';
  if (text.slice(4, 8) === 'ftyp' && /^....(....)*?avi[fs]/s.test(brands(text))) return 'avif';
  throw new FerError('DECODE', `${name} is ${guess(text)}; JPEG, PNG, WebP, AVIF, GIF and TIFF are read`);
}

// --- below this line: what else it may be ---

/** The major brand, the version and the compatible brands of an ISO base media file, after four bytes of padding. */
function brands(text: string): string {
  const size = (text.charCodeAt(2) << 8) | text.charCodeAt(3);
  return `    ${text.slice(8, Math.max(size, 12))}`;
}

function guess(text: string): string {
  if (text === '') return 'empty: 0 bytes';
  if (text.slice(4, 8) === 'ftyp') return /hei[cxms]|hev[cx]/.test(brands(text)) ? 'a HEIC image' : 'a video';
  if (text.startsWith('%PDF')) return 'a PDF document';
  if (/<svg/i.test(text)) return 'an SVG drawing';
  if (text.startsWith('BM')) return 'a BMP image';
  if (/^[\t\n\r -~]+$/.test(text)) return `text (${JSON.stringify(text.slice(0, 24))}...), not an image`;
  return 'of no known image format';
}
