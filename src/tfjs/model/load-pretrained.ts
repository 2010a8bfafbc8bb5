import type { LayersModel } from '@tensorflow/tfjs-layers';
import { modelJson } from '../../network/pretrained.js';
import { readBinary } from '../../network/read-binary.js';

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
  const binary = await readBinary(
    options.url,
    'serve fer-dcnn/weights/weights.bin and name its place by loadPretrained({ url })',
  );
  const { fromFiles } = await import('./artifacts.js');
  return fromFiles({ json: modelJson, binary });
}
