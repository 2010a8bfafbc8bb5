import { FerError } from '../errors.js';

/** A supported format of encoded images. */
export type ImageFormat = 'jpeg' | 'png' | 'webp' | 'avif' | 'gif' | 'tiff';

/** Number of bytes from the start of a file that {@link imageFormat} needs. */
export const FORMAT_HEAD_BYTES = 256;

/**
 * Detects an image's format by its first bytes, never by its name. Formats that can run code or fetch files (SVG, PDF) do
 * not reach a decoder this way.
 *
 * @param head - The file's first {@link FORMAT_HEAD_BYTES} bytes, or the whole file if it is shorter.
 * @param name - Name of the image in the message.
 * @throws FerError `DECODE` when it is not an {@link ImageFormat}.
 */
export function imageFormat(head: Uint8Array, name: string): ImageFormat {
  const format = readFormat(head);
  if (format !== null) return format;
  const other = otherFormat(head);
  const advice = other.advice === undefined ? '' : `; ${other.advice}`;
  throw new FerError(
    'DECODE',
    `${name} is ${other.name}${other.quote ?? ''}; supported are JPEG, PNG, WebP, AVIF, GIF and TIFF${advice}`,
  );
}

/** The supported format of an image, or null; see {@link imageFormat}. */
export function readFormat(head: Uint8Array): ImageFormat | null {
  const text = textOf(head);
  if (text.startsWith('\xff\xd8\xff')) return 'jpeg';
  if (text.startsWith('\x89PNG\r\n\x1a\n')) return 'png';
  if (/^GIF8[79]a/.test(text)) return 'gif';
  if (/^RIFF....WEBP/s.test(text)) return 'webp';
  if (/^(II[*+]\0|MM\0[*+])/.test(text)) return 'tiff';
  if (text.slice(4, 8) === 'ftyp' && /^....(....)*?avi[fs]/s.test(brands(text))) return 'avif';
  return null;
}

/** A description of bytes that {@link readFormat} does not know. */
export interface OtherFormat {
  /** "a BMP image" */
  name: string;
  /** Whether it is a picture or a video that a user may miss. */
  isPicture: boolean;
  /** The beginning of a text. */
  quote?: string;
  /** How to convert it. */
  advice?: string;
  /** Its media type, if a browser may show it: it contains only pixels, and can neither run code nor fetch files. */
  mediaType?: string;
}

/** Describes bytes that {@link readFormat} does not know. */
export function otherFormat(head: Uint8Array): OtherFormat {
  const text = textOf(head);
  const picture = (name: string, mediaType?: string, advice?: string) => ({ name, isPicture: true, mediaType, advice });
  const data = (name: string, quote?: string) => ({ name, isPicture: false, quote });
  if (text === '') return data('empty');
  if (text.slice(4, 8) === 'ftyp') {
    return /hei[cxms]|hev[cx]|mif1|msf1/.test(brands(text))
      ? picture('a HEIC image', 'image/heic', HEIC)
      : picture('a video');
  }
  if (text.startsWith('\x1aE\xdf\xa3') || /^RIFF....AVI /s.test(text)) return picture('a video');
  if (text.startsWith('%PDF')) return picture('a PDF document');
  if (/<svg/i.test(text)) return picture('an SVG drawing');
  if (text.startsWith('BM')) return picture('a BMP image', 'image/bmp');
  if (text.startsWith('\xff\x0a') || text.startsWith('\0\0\0\x0cJXL ')) return picture('a JPEG XL image', 'image/jxl');
  if (text.startsWith('\0\0\0\x0cjP  ')) return picture('a JPEG 2000 image', 'image/jp2');
  if (text.startsWith('8BPS')) return picture('a Photoshop image');
  if (text.startsWith('\0\0\x01\0')) return picture('an icon', 'image/x-icon');
  if (/^P[1-6]\s/.test(text)) return picture('a PNM image');
  if (/^[\t\n\r -~]+$/.test(text)) return data('text', ` (${JSON.stringify(text.slice(0, 24))}...), not an image`);
  return data('of no known image format');
}

const HEIC =
  'convert it: magick photo.heic photo.jpg (ImageMagick), or on a Mac: sips -s format jpeg photo.heic --out photo.jpg';

function textOf(head: Uint8Array): string {
  return String.fromCharCode(...head.subarray(0, FORMAT_HEAD_BYTES));
}

/** The major brand, the version and the compatible brands of an ISO base media file, after four bytes of padding. */
function brands(text: string): string {
  const size = (text.charCodeAt(2) << 8) | text.charCodeAt(3);
  return `    ${text.slice(8, Math.max(size, 12))}`;
}
