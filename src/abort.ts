import { FerError } from './errors.js';

/**
 * Throws if a signal is aborted.
 *
 * @param work - Name of the work in the message: "training".
 * @throws FerError `ABORTED`, with the signal's reason as its cause.
 */
export function throwIfAborted(signal: AbortSignal | undefined, work: string): void {
  if (signal?.aborted) throw abortError(signal, work);
}

/** The error of aborted work. */
export function abortError(signal: AbortSignal, work: string): FerError {
  return new FerError('ABORTED', `${work} was aborted`, { cause: signal.reason });
}
