import { FerError, reasonOf } from '../errors.js';

/**
 * Loads a package that not everybody needs.
 *
 * @param name - The package, as npm knows it.
 * @param load - Imports it, by a literal name so that bundlers see it: `() => import('bullmq')`.
 * @param purpose - What needs it: "fer-dcnn/queue".
 * @throws FerError `PACKAGE_MISSING` naming the package and the command that installs it.
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
