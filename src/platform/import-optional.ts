import { FerError, reasonOf } from '../errors.js';

/**
 * Loads an optional package.
 *
 * @param name - The npm name of the package.
 * @param load - Imports it, by a literal name so that bundlers see it: `() => import('bullmq')`.
 * @param purpose - The feature that needs it: "fer-dcnn/queue".
 * @throws FerError `PACKAGE_MISSING`; the message names the package and the command that installs it.
 * @example
 * const { Queue } = await importOptional('bullmq', () => import('bullmq'), 'fer-dcnn/queue');
 */
export async function importOptional<Module>(
  name: string,
  load: () => Promise<Module>,
  purpose: string,
): Promise<Module> {
  try {
    return await load();
  } catch (error) {
    throw new FerError(
      'PACKAGE_MISSING',
      `${purpose} needs the package ${name} (npm install ${name}): ${reasonOf(error)}`,
      {
        cause: error,
      },
    );
  }
}
