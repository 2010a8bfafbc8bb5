/**
 * What went wrong, as a stable word to branch on; messages may change, codes do not.
 *
 * | code | when |
 * | --- | --- |
 * | `INPUT` | an image input of a kind that cannot be read |
 * | `NOT_FOUND` | a file or folder that is not there or cannot be opened |
 * | `DECODE` | bytes that are not an image, or a broken image |
 * | `CANVAS` | a browser that disguises what a canvas holds: no picture can be read by one |
 * | `TOO_LARGE` | an image over a limit: pixels, bytes or frames |
 * | `TIMEOUT` | an image that takes longer to decode than allowed |
 * | `CHANNELS` | a channel count that does not fit |
 * | `SHAPE` | a tensor or array of the wrong shape |
 * | `KERNEL` | an operation that the backend cannot carry out on these tensors |
 * | `NOT_FINITE` | NaN or infinity where a number is needed |
 * | `CLASSES` | a wrong class, label or class count |
 * | `OPTION` | an option out of its range |
 * | `BACKEND_UNKNOWN` | no backend of that name |
 * | `BACKEND_UNAVAILABLE` | a backend that does not start here, or whose package is not installed |
 * | `WASM_UNREACHABLE` | a `.wasm` binary that could not be fetched or read |
 * | `WEIGHTS_UNREACHABLE` | a weights file that could not be fetched or read |
 * | `WEIGHTS_CORRUPT` | weights that are damaged: wrong length or sha256 |
 * | `MODEL` | a model file or model that cannot be used here |
 * | `PACKAGE_MISSING` | an optional package that is needed and not installed |
 * | `ABORTED` | stopped by an `AbortSignal` |
 * | `DISPOSED` | used after `dispose()` |
 * | `DATA` | training or evaluation data that is empty or inconsistent |
 * | `CHECKPOINT` | a checkpoint that cannot be written, read or continued |
 * | `NOT_WRITTEN` | a file that cannot be written: a full disk, a read-only folder |
 * | `DETECTOR_UNAVAILABLE` | a face detector that does not start here |
 * | `TIMESTAMP` | a frame's time that is not a number or lies before the last one's |
 * | `DAMAGED` | a video or data file that ends too early or breaks off |
 * | `WORKER` | a worker thread or process that ended before it answered |
 * | `REFUSED` | a reference outside the roots and hosts that a worker may read |
 * | `UNREACHABLE` | a server or object that does not answer |
 * | `QUEUE` | a queue or job that is damaged, or of another version |
 */
export type FerErrorCode =
  | 'INPUT'
  | 'NOT_FOUND'
  | 'DECODE'
  | 'CANVAS'
  | 'TOO_LARGE'
  | 'TIMEOUT'
  | 'CHANNELS'
  | 'SHAPE'
  | 'KERNEL'
  | 'NOT_FINITE'
  | 'CLASSES'
  | 'OPTION'
  | 'BACKEND_UNKNOWN'
  | 'BACKEND_UNAVAILABLE'
  | 'WASM_UNREACHABLE'
  | 'WEIGHTS_UNREACHABLE'
  | 'WEIGHTS_CORRUPT'
  | 'MODEL'
  | 'PACKAGE_MISSING'
  | 'ABORTED'
  | 'DISPOSED'
  | 'DATA'
  | 'CHECKPOINT'
  | 'NOT_WRITTEN'
  | 'DETECTOR_UNAVAILABLE'
  | 'TIMESTAMP'
  | 'DAMAGED'
  | 'WORKER'
  | 'REFUSED'
  | 'UNREACHABLE'
  | 'QUEUE';

/**
 * The one error type of this library. Its message is one line without control characters, whatever the name of a file in it:
 * it may go into a log or a terminal as it is.
 *
 * @example
 * try {
 *   await classify('face.jpg');
 * } catch (error) {
 *   if (FerError.is(error) && error.code === 'NOT_FOUND') console.error(error.message);
 *   else throw error;
 * }
 */
export class FerError extends Error {
  override readonly name = 'FerError';
  readonly code: FerErrorCode;

  constructor(code: FerErrorCode, message: string, options?: { cause?: unknown }) {
    super(oneLine(message), options);
    this.code = code;
    Object.defineProperty(this, Symbol.for(BRAND), { value: true });
  }

  /**
   * Whether something that was thrown is an error of this library, whichever copy of it made it: `require` and `import`
   * load one each, a bundle may hold another. `instanceof` says the same.
   */
  static is(error: unknown): error is FerError {
    try {
      return (error as Record<symbol, unknown> | null | undefined)?.[Symbol.for(BRAND)] === true;
    } catch {
      // A proxy may throw at any place.
      return false;
    }
  }

  /** For this class alone: of a class below it, the language's own rule. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: a class below this one is another
    return this === FerError ? FerError.is(value) : Function.prototype[Symbol.hasInstance].call(this, value);
  }
}

const BRAND = 'fer-dcnn.FerError';

/** The message of anything that was thrown, for use inside another message. */
export function reasonOf(error: unknown): string {
  try {
    return error instanceof Error ? error.message : String(error);
  } catch {
    return 'something was thrown that has no text';
  }
}

/** Lines as one: `a\n  b` is `a; b`. */
export function joinLines(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '').join('; ');
}

/** Characters of a message; a path or a value may be longer than any reader wants. */
const LONGEST = 2000;

function oneLine(message: string): string {
  // All but control characters, U+2028 and U+2029: Hermes knows no \p{Cc}.
  const escaped = message.replace(/[^ -~\xa0-\u2027\u202a-\uffff]/g, (character) => {
    // JSON has short words for some, and leaves DEL and those from U+0080 on as they are.
    const text = JSON.stringify(character).slice(1, -1);
    return text === character ? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}` : text;
  });
  return escaped.length > LONGEST ? `${escaped.slice(0, LONGEST)}...` : escaped;
}
