/**
 * The kind of an error, as a stable word. Messages may change, codes do not.
 *
 * | code | when |
 * | --- | --- |
 * | `INPUT` | an image input of an unsupported kind |
 * | `NOT_FOUND` | a file or folder that is missing or cannot be opened |
 * | `DECODE` | bytes that are not an image, or a broken image |
 * | `CANVAS` | a browser that hides the pixels of canvases: no picture can be read with one |
 * | `TOO_LARGE` | an image over a limit: pixels, bytes or frames |
 * | `TIMEOUT` | an image that takes longer to decode than allowed |
 * | `CHANNELS` | a channel count that does not fit |
 * | `SHAPE` | a tensor or array of the wrong shape |
 * | `KERNEL` | an operation that the backend cannot carry out on these tensors |
 * | `NOT_FINITE` | NaN or infinity where a number is needed |
 * | `CLASSES` | a wrong class, label or class count |
 * | `OPTION` | an unknown option, or a wrong value |
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
 * | `TIMESTAMP` | a frame's time that is not a number, or is before the last one |
 * | `DAMAGED` | a video or data file that ends too early or breaks off |
 * | `WORKER` | a worker thread or process that ended before it answered |
 * | `REFUSED` | a reference outside the roots and hosts that a worker may read |
 * | `UNREACHABLE` | a server or object that does not answer |
 * | `QUEUE` | a queue or job that is damaged, or from another version |
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
 * The only error type of this library. Its message is one line without control characters, even if it contains the name of a
 * file, so it is safe in logs and terminals.
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
   * Whether an error comes from this library, even from another copy of it: `require` and `import` load separate copies, and a
   * bundle may contain another. `instanceof` gives the same answer.
   */
  static is(error: unknown): error is FerError {
    try {
      return (error as Record<symbol, unknown> | null | undefined)?.[Symbol.for(BRAND)] === true;
    } catch {
      // A proxy may throw anywhere.
      return false;
    }
  }

  /** Only for this class; subclasses follow the language's own rule. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: a subclass is different
    return this === FerError ? FerError.is(value) : Function.prototype[Symbol.hasInstance].call(this, value);
  }
}

const BRAND = 'fer-dcnn.FerError';

/** The message of any thrown value, for use inside another message. */
export function reasonOf(error: unknown): string {
  try {
    return error instanceof Error ? error.message : String(error);
  } catch {
    return 'a value without text was thrown';
  }
}

/** Joins lines: `a\n  b` becomes `a; b`. */
export function joinLines(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '').join('; ');
}

/** Most characters of a message, because a path or a value may be very long. */
const LONGEST = 2000;

function oneLine(message: string): string {
  // All but control characters, U+2028 and U+2029: Hermes does not support \p{Cc}.
  const escaped = message.replace(/[^ -~\xa0-\u2027\u202a-\uffff]/g, (character) => {
    // JSON has short escapes for some, but does not escape DEL and those from U+0080.
    const text = JSON.stringify(character).slice(1, -1);
    return text === character ? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}` : text;
  });
  return escaped.length > LONGEST ? `${escaped.slice(0, LONGEST)}...` : escaped;
}
