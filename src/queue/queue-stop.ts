import { FerError } from '../errors.js';

/** A fault that trying again does not mend and that endangers results: the worker stops and says so. Its code is `QUEUE`. */
export class QueueStop extends FerError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('QUEUE', message, options);
  }
}
