import { FerError } from '../errors.js';

/** An error that a retry cannot fix and that endangers results: the worker stops with it. Its code is `QUEUE`. */
export class QueueStop extends FerError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('QUEUE', message, options);
  }
}
