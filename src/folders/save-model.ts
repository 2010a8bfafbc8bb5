import { join } from 'node:path';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { FerError } from '../errors.js';
import { boolean, number, optionsOf, text } from '../options.js';
import { writeFileWhole } from '../platform/node/write-file.js';
import { type ToFilesOptions, toFiles } from '../tfjs/model/artifacts.js';
import { quantizationRule } from '../tfjs/model/quantize.js';

export interface SaveModelOptions extends Pick<ToFilesOptions, 'quantize' | 'quantizeStep'> {
  /**
   * Whether to store the weights inside `model.json`, as base64 (a third longer). A single file is always consistent. `loadModel`
   * and `ClassifierPool` open it; plain `tf.loadLayersModel` does not. At most 24 MB of weights.
   * @default false
   */
  singleFile?: boolean;
}

/**
 * Saves a model as a standard TF.js Layers model: `<folder>/model.json` and `<folder>/weights.bin`. Plain
 * `tf.loadLayersModel` opens it as well as `loadModel`. Each file is written whole or not at all, the binary first.
 *
 * @param folder - Created if it does not exist.
 * @throws FerError `MODEL` when the weights are too large for a single file; `NOT_FINITE` when a weight is NaN or infinite, `OPTION`; `NOT_WRITTEN` for a full disk or a folder that
 * cannot be written.
 * @example
 * await saveModel(model, 'runs/first', { quantize: 'uint8', quantizeStep: 0.2 });
 */
export async function saveModel(model: LayersModel, folder: string, options: SaveModelOptions = {}): Promise<void> {
  text(folder, 'folder');
  checkOptions(options);
  const { singleFile = false, ...how } = options;
  const { json, binary } = toFiles(model, how);
  if (singleFile) {
    if (binary.length > MOST_IN_ONE) {
      throw new FerError(
        'MODEL',
        `${binary.length} bytes of weights are too many for a single file: the limit is ${MOST_IN_ONE}`,
      );
    }
    const whole = { ...json, weightData: Buffer.from(binary).toString('base64') };
    await writeFileWhole(join(folder, 'model.json'), `${JSON.stringify(whole)}\n`);
    return;
  }
  await writeFileWhole(join(folder, 'weights.bin'), binary);
  await writeFileWhole(join(folder, 'model.json'), `${JSON.stringify(json, null, 1)}\n`);
}

/** Its base64 text is below the limit of 32 MB for a model.json. */
const MOST_IN_ONE = 24_000_000;

const checkOptions = optionsOf<SaveModelOptions>('saveModel', () => ({
  quantize: quantizationRule,
  quantizeStep: number('between 0 and 1', (value) => value >= 0 && value <= 1),
  singleFile: boolean,
}));
