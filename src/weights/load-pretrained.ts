import type { LayersModel } from '@tensorflow/tfjs-layers';
import { runtime } from '#runtime';
import { FerError } from '../errors.js';
import { fromFiles } from '../model/artifacts.js';
import { assetCandidates } from '../model/asset-candidates.js';
import { modelJson } from './pretrained.js';

export interface LoadPretrainedOptions {
  /**
   * Where `weights.bin` lies, as an address (a path in Node). Needed only where it was moved away from this package.
   */
  url?: string;
}

/**
 * Loads the pretrained weights: the network of `buildModel()`, trained and stored in 8 bits a weight. Each call gives a
 * new model, the caller's to dispose. The binary's sha256 is checked.
 *
 * @returns A `tf.LayersModel` from [n,32,32,1], normalised as `pretrained.normalization` says, to probabilities [n,5].
 * @throws FerError `WEIGHTS_UNREACHABLE` when the binary is not found, `WEIGHTS_CORRUPT` when it is not the right one.
 * @example
 * import { loadPretrained } from 'fer-dcnn/weights';
 * const model = await loadPretrained();
 * await train(model, imageFolder('my-faces'), { learningRate: 1e-4 });
 */
export async function loadPretrained(options: LoadPretrainedOptions = {}): Promise<LayersModel> {
  const candidates =
    options.url === undefined
      ? assetCandidates(new URL('../../weights/weights.bin', import.meta.url), 'weights/weights.bin', import.meta.url)
      : [runtime.toUrl(options.url)];
  const asset = await runtime.readAsset(candidates, (bytes) => !isPage(bytes));
  if (asset === null) {
    throw new FerError(
      'WEIGHTS_UNREACHABLE',
      `no weights at ${candidates.join(' nor ')}: serve fer-dcnn/weights/weights.bin and name its place by ` +
        'loadPretrained({ url })',
    );
  }
  return fromFiles({ json: modelJson, binary: asset.bytes });
}

// --- below this line: helpers of this file alone ---

/** Whether a server gave its index page, as some do for any address; other wrong bytes are told by their sha256. */
function isPage(bytes: Uint8Array): boolean {
  return /^\s*<(!doctype|html|!--)/i.test(String.fromCharCode(...bytes.subarray(0, 100)));
}
