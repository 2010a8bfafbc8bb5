import type { LayersModel } from '@tensorflow/tfjs-layers';
import { text } from '../options.js';
import { fromFiles } from '../tfjs/model/artifacts.js';
import { readModelFiles } from './read-model-files.js';

/**
 * Loads a TF.js Layers model from files, such as `saveModel` wrote, and checks the binary's length and, if
 * `model.json` has one, its sha256.
 *
 * @param path - `model.json`, or its folder.
 * @throws FerError `NOT_FOUND`; `MODEL` when it is not such a model, or would take more memory than its files suggest;
 * `WEIGHTS_CORRUPT`.
 * @example
 * const model = await loadModel('runs/first');
 */
export async function loadModel(path: string): Promise<LayersModel> {
  text(path, 'path');
  return fromFiles(await readModelFiles(path));
}
