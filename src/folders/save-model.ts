import { join } from 'node:path';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { text } from '../options.js';
import { writeFileWhole } from '../platform/node/write-file.js';
import { type ToFilesOptions, toFiles } from '../tfjs/model/artifacts.js';

export type SaveModelOptions = Pick<ToFilesOptions, 'quantize' | 'quantizeStep'>;

/**
 * Saves a model as a standard TF.js Layers model: `<folder>/model.json` and `<folder>/weights.bin`. Plain
 * `tf.loadLayersModel` opens it as well as `loadModel`. Each file is written whole or not at all, the binary first.
 *
 * @param folder - Made when it is not there.
 * @throws FerError `NOT_FINITE` when a weight is NaN or infinite, `OPTION`; `NOT_WRITTEN` for a full disk or a folder that
 * cannot be written.
 * @example
 * await saveModel(model, 'runs/first', { quantize: 'uint8', quantizeStep: 0.2 });
 */
export async function saveModel(model: LayersModel, folder: string, options: SaveModelOptions = {}): Promise<void> {
  text(folder, 'folder');
  const { json, binary } = toFiles(model, options);
  await writeFileWhole(join(folder, 'weights.bin'), binary);
  await writeFileWhole(join(folder, 'model.json'), `${JSON.stringify(json, null, 1)}\n`);
}
