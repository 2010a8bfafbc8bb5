import { describeInput } from './describe-input.js';
import { FerError } from './errors.js';

/**
 * Checks that a value can be iterated, and is not a text.
 *
 * @throws FerError `INPUT`, also for a promise.
 */
export function checkIterable(value: unknown, name: string): void {
  if (typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value))
    return;
  throw new FerError('INPUT', `${name} must be a list or another iterable, got ${describeInput(value)}`);
}
