import { createRequire } from 'node:module';
import { FerError, reasonOf } from '../../errors.js';
import type { Tfjs } from '../tfjs-packages.js';

/**
 * TF.js for synchronous functions, loaded when the first of them is called. Its `main` is CommonJS, so this is the same copy as
 * with `import`.
 *
 * @throws FerError `PACKAGE_MISSING` when it is not installed.
 */
export function tfjs(): Tfjs {
  if (loaded === undefined) {
    try {
      const require = createRequire(import.meta.url);
      loaded = {
        core: require('@tensorflow/tfjs-core'),
        layers: require('@tensorflow/tfjs-layers'),
        cpu: require('@tensorflow/tfjs-backend-cpu'),
      };
    } catch (error) {
      throw new FerError(
        'PACKAGE_MISSING',
        `TF.js cannot be loaded: ${reasonOf(error)}. Install @tensorflow/tfjs-core, @tensorflow/tfjs-layers and ` +
          '@tensorflow/tfjs-backend-cpu',
        { cause: error },
      );
    }
  }
  return loaded;
}

let loaded: Tfjs | undefined;
