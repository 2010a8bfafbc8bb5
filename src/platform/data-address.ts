import { FerError } from '../errors.js';
import { checkByteCount } from './image-limits.js';

/** Whether a value is a `data:` address, as a string or a URL. */
export function isDataAddress(value: unknown): value is string | URL {
  return (typeof value === 'string' && /^data:/i.test(value)) || (value instanceof URL && value.protocol === 'data:');
}

/**
 * The bytes of a `data:` address (RFC 2397), in base64 or percent-encoded.
 *
 * @param name - Its name in messages.
 * @throws FerError `INPUT` for an address without a comma or with broken base64; `TOO_LARGE`.
 */
export function bytesOfDataAddress(address: string | URL, name: string, maxBytes: number): Uint8Array<ArrayBuffer> {
  const text = String(address);
  const comma = text.indexOf(',');
  if (comma === -1) throw new FerError('INPUT', `${name} has no comma before its bytes`);
  const isBase64 = /;\s*base64\s*$/i.test(text.slice(0, Math.min(comma, LONGEST_HEAD)));
  const length = text.length - comma - 1;
  checkByteCount(isBase64 ? Math.floor((length * 3) / 4) - 2 : Math.floor(length / 3), maxBytes, name);
  try {
    const latin = isBase64 ? atob(decodeURIComponent(text.slice(comma + 1))) : percentDecoded(text.slice(comma + 1));
    return Uint8Array.from(latin, (letter) => letter.charCodeAt(0));
  } catch (error) {
    throw new FerError('INPUT', `${name} is broken: ${isBase64 ? 'not base64' : 'not percent-encoded'}`, {
      cause: error,
    });
  }
}

/** Most characters of a media type and its parameters. */
const LONGEST_HEAD = 1000;

/** One character per byte. */
function percentDecoded(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
