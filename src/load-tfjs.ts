import { FerError, reasonOf } from './errors.js';

/**
 * Loads the training code and TF.js once. This is the only place where the recognition code uses them: for a Layers model or a
 * backend of TF.js.
 *
 * @throws FerError `PACKAGE_MISSING` when TF.js is not installed.
 */
export async function loadTfjs(): Promise<TfjsWing> {
  loading ??= importWing();
  try {
    loaded = await loading;
    return loaded;
  } catch (error) {
    loading = undefined;
    throw new FerError(
      'PACKAGE_MISSING',
      `TF.js cannot be loaded: ${reasonOf(error)}. Install @tensorflow/tfjs-core, @tensorflow/tfjs-layers, ` +
        '@tensorflow/tfjs-backend-cpu and @tensorflow/tfjs-backend-wasm',
      { cause: error },
    );
  }
}

/** The training code, if it is loaded. */
export function loadedTfjs(): TfjsWing | undefined {
  return loaded;
}

type TfjsWing = Awaited<ReturnType<typeof importWing>>;

const importWing = () => import('./tfjs/wing.js');

let loading: Promise<TfjsWing> | undefined;
let loaded: TfjsWing | undefined;
