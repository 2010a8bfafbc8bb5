import { joinLines, reasonOf } from '../errors.js';
import type { FerErrorCode } from '../index.js';
import { safeText } from '../safe-text.js';
import { shortened } from './shortened.js';

/**
 * Formats an error as one line: what went wrong, what to do, and the code. It ends with a newline.
 *
 * @param subject - The file concerned; named first, unless the message names it.
 * @param advice - What to do, if the command knows more than the code says.
 * @example
 * process.stderr.write(errorLine(error, 'a.jpg')); // fer-dcnn: a.jpg cannot be found: … (check the path) [NOT_FOUND]
 */
export function errorLine(error: unknown, subject = '', advice: Advice = {}): string {
  const code = codeOf(error);
  const message = messageOf(error);
  // Longer text is not a name; the message describes it.
  const about =
    subject === '' || subject.length > 200 || message.includes(subject) ? message : `${subject}: ${message}`;
  const todo = advice[code as FerErrorCode] ?? ADVICE[code as FerErrorCode];
  return `${safeText(`fer-dcnn: ${shortened(about)}${todo ? ` (${todo})` : ''} [${code}]`)}\n`;
}

/** What to do, by code. */
export type Advice = Partial<Record<FerErrorCode, string>>;

/** The code of a FerError, or else the code of the system (`ENOSPC`) or `UNKNOWN`. */
export function codeOf(error: unknown): string {
  return (error as { code?: string } | null)?.code ?? 'UNKNOWN';
}

/** The message of anything thrown, in one line. */
export function messageOf(error: unknown): string {
  return joinLines(reasonOf(error));
}

const ADVICE: Advice = {
  NOT_FOUND: 'check the path',
  DECODE: 'save it again as JPEG or PNG',
  TOO_LARGE:
    'make it smaller, crop it to the face, or raise the limit: --max-pixels, --max-work, --max-bytes, --max-frames',
  TIMEOUT: 'raise --max-milliseconds',
  INPUT: 'name image files, as in faces/*.jpg',
  MODEL: 'a model is the folder that train or saveModel() wrote',
  WEIGHTS_CORRUPT: 'install fer-dcnn again, or save the model again',
  WEIGHTS_UNREACHABLE: 'install fer-dcnn again',
  WASM_UNREACHABLE: 'install fer-dcnn again, or pass --backend cpu',
  BACKEND_UNAVAILABLE: 'pass --backend cpu',
  NOT_WRITTEN: 'is the disk full, or the folder read-only?',
  CHECKPOINT: 'use another --out, or leave out --resume to start again',
};
