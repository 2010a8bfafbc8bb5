import type { LayersModel } from '@tensorflow/tfjs-layers';
import { readPretrained } from '../../network/read-pretrained.js';
import { anything, optionsOf, readable, rule } from '../../options.js';
import { type Assets, assetsRule } from '../../platform/assets.js';
import { modelJson } from './pretrained.js';

export interface LoadPretrainedOptions {
  /**
   * Address of `weights.bin`, or its bytes.
   * @default the file in this package
   */
  assets?: Assets;
  /**
   * Other classes: their names, in the order of the outputs, or their number. The model then has a new last layer for
   * training; the weights of known emotions are kept, by name.
   * @default EMOTIONS
   */
  classes?: number | readonly string[];
  /**
   * A non-negative integer: the same seed gives the same new last layer.
   */
  seed?: number;
}

/**
 * Loads the pretrained weights: the trained network of `buildModel()`, stored with 8 bits per weight. Each call
 * returns a new model, which the caller disposes. The binary's sha256 is checked.
 *
 * @returns A `tf.LayersModel` from [n,32,32,1], normalized by `pretrained.normalization`, to probabilities [n,classes].
 * @throws FerError `WEIGHTS_UNREACHABLE` when the binary is not found, `WEIGHTS_CORRUPT` when it is not the right one; `CLASSES`, `OPTION` as `buildModel`.
 * @example
 * import { loadPretrained } from 'fer-dcnn/weights';
 * const model = await loadPretrained();
 * await train(model, imageFolder('my-faces'), { learningRate: 1e-4 });
 * @example
 * const model = await loadPretrained({ classes: ['angry', 'happy', 'sad', 'neutral', 'surprised', 'disgust', 'fear'] });
 */
export async function loadPretrained(options: LoadPretrainedOptions = {}): Promise<LayersModel> {
  checkOptions(options);
  const binary = await readPretrained(options.assets);
  const { fromFiles } = await import('./artifacts.js');
  const model = await fromFiles({ json: modelJson, binary });
  if (options.classes === undefined) return model;
  const { newHead } = await import('./new-head.js');
  try {
    return readable('classes', () => newHead(model, options.classes!, options.seed), 'CLASSES');
  } catch (error) {
    model.dispose();
    throw error;
  }
}

const checkOptions = optionsOf<LoadPretrainedOptions>('loadPretrained', () => ({
  // Checked by `buildModel`, as `CLASSES`.
  classes: anything,
  seed: rule('a non-negative integer', (value: number) => Number.isSafeInteger(value) && value >= 0),
  assets: assetsRule,
}));
