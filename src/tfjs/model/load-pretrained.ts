import type { LayersModel } from '@tensorflow/tfjs-layers';
import { readPretrained } from '../../network/read-pretrained.js';
import type { Assets } from '../../platform/assets.js';
import { modelJson } from './pretrained.js';

export interface LoadPretrainedOptions {
  /**
   * Where `weights.bin` lies, or its bytes.
   * @default the file in this package
   */
  assets?: Assets;
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
  const binary = await readPretrained(options.assets);
  const { fromFiles } = await import('./artifacts.js');
  return fromFiles({ json: modelJson, binary });
}
