import { describeInput } from '../../describe-input.js';
import { FerError } from '../../errors.js';
import type { Runtime } from '../../runtime.js';

function unavailable(): never {
  throw new FerError('OPTION', 'React Native has no folders and no threads for this');
}

/**
 * React Native has no image decoder for scripts and no files of packages: the app passes pixels, and the bytes of
 * binaries.
 */
export const runtime: Runtime = {
  async decode(input) {
    throw new FerError(
      'INPUT',
      `${describeInput(input)} is not an image here: in React Native, pass its pixels, { data, width, height, channels }`,
    );
  },
  readAsset: async () => null,
  toUrl: (address) => new URL(address),
  packageFile: () => null,
  checkpointFolder: unavailable,
  startGradientWorker: unavailable,
};
