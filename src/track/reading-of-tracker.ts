import { describeInput } from '../describe-input.js';
import { FerError } from '../errors.js';

/**
 * Reads what a tracker gave.
 *
 * @throws FerError `INPUT` for anything else, such as a promise of it.
 */
export function readingOfTracker<Result>(what: 'state' | 'summary', given: unknown, read: () => Result): Result {
  try {
    return read();
  } catch (cause) {
    throw new FerError('INPUT', `expected the ${what} of a tracker, got ${describeInput(given)}`, { cause });
  }
}
