import { describeInput } from '../describe-input.js';
import { FerError, reasonOf } from '../errors.js';
import type { ImageInput } from './input.js';

/**
 * Whether the input is a list of images.
 *
 * @throws FerError `INPUT` for an object that cannot be inspected, such as a revoked proxy.
 */
export function isList(input: ImageInput | readonly ImageInput[]): input is readonly ImageInput[] {
  try {
    return Array.isArray(input) && input.length >= 0;
  } catch (error) {
    throw new FerError('INPUT', `${describeInput(input)} cannot be read: ${reasonOf(error)}`, { cause: error });
  }
}
