import { realpathSync, statSync } from 'node:fs';
import { FerError, reasonOf } from '../errors.js';

/**
 * The path of a folder without symbolic links.
 *
 * @throws FerError `NOT_FOUND` when there is no folder of this name.
 */
export function realFolder(dir: string): string {
  try {
    const real = realpathSync(dir);
    if (statSync(real).isDirectory()) return real;
  } catch (error) {
    throw new FerError('NOT_FOUND', `${dir} cannot be found: ${reasonOf(error)}`, { cause: error });
  }
  throw new FerError('NOT_FOUND', `${dir} is not a folder`);
}
