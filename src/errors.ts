/**
 * What went wrong, as a stable word to branch on; messages may change, codes do not.
 *
 * | code | when |
 * | --- | --- |
 * | `INPUT` | an image input of a kind that cannot be read |
 * | `NOT_FOUND` | a file or folder that is not there or cannot be opened |
 * | `DECODE` | bytes that are no image, or a broken one |
 * | `TOO_LARGE` | an image over the pixel limit |
 * | `CHANNELS` | a channel count that does not fit |
 * | `SHAPE` | a tensor or array of the wrong shape |
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
 */
export type FerErrorCode =
  | 'INPUT'
  | 'NOT_FOUND'
  | 'DECODE'
  | 'TOO_LARGE'
  | 'CHANNELS'
  | 'SHAPE'
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
  | 'CHECKPOINT';

/**
 * The one error type of this library.
 *
 * @example
 * try {
 *   await classify('face.jpg');
 * } catch (error) {
 *   if (error instanceof FerError && error.code === 'NOT_FOUND') console.error(error.message);
 *   else throw error;
 * }
 */
export class FerError extends Error {
  override readonly name = 'FerError';
  readonly code: FerErrorCode;

  constructor(code: FerErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** The message of anything that was thrown, for use inside another message. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
