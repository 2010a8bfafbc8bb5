import { FerError } from './errors.js';

/**
 * Ends work whose signal has been aborted.
 *
 * @param work - What is aborted, for the message: "training".
 * @throws FerError `ABORTED`, with the signal's reason as its cause.
 */
export function throwIfAborted(signal: AbortSignal | undefined, work: string): void {
  if (signal?.aborted) throw abortError(signal, work);
}

/** The error of work that its signal ended. */
export function abortError(signal: AbortSignal, work: string): FerError {
  return new FerError('ABORTED', `${work} was aborted`, { cause: signal.reason });
}
