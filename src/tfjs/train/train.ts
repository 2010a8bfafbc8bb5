import type { LayersModel } from '@tensorflow/tfjs-layers';
import { isDisposed } from '../../classify/layers-model-like.js';
import { FerError } from '../../errors.js';
import type { LabelledData } from '../evaluate/labelled-data.js';
import type { TrainResult } from './train-history.js';
import { type TrainOptions, trainSettings } from './train-options.js';
import { throwIfAborted } from './training-data.js';

/**
 * Trains a model with Adam and categorical cross-entropy, on the backend in use. Afterwards the model holds the weights
 * of its best epoch (without validation data: of its last).
 *
 * @param model - Any `tf.LayersModel` from [n,height,width,channels] to class probabilities [n,classes].
 * @param data - Tensors `{ xs, ys }`, or samples `{ image, label }` such as those of `imageFolder`. Labels are class
 * indices or probabilities over the classes (soft labels). Samples are read once and kept in memory as 8-bit levels.
 * @throws FerError `MODEL`, `DATA`, `SHAPE`, `CLASSES`, `OPTION`, `NOT_FINITE` when the loss is no longer a number,
 * `CHECKPOINT`, `ABORTED`, `DISPOSED`, `BACKEND_UNAVAILABLE` when a worker ends, and what reading an image throws.
 * @example
 * const model = buildModel({ seed: 1 });
 * const { history, best } = await train(model, imageFolder('faces/train'), {
 *   epochs: 30,
 *   validationData: imageFolder('faces/valid'),
 *   augment: REPORT_AUGMENTATION,
 *   earlyStopping: { patience: 5 },
 * });
 * @see Kingma and Ba, "Adam", 2015; Polyak and Juditsky, 1992, for the averaging of weights
 */
export async function train(model: LayersModel, data: LabelledData, options: TrainOptions = {}): Promise<TrainResult> {
  if (isDisposed(model)) throw new FerError('DISPOSED', 'the model has been disposed');
  const settings = trainSettings(model, options);
  throwIfAborted(settings.signal);
  const unlock = await settings.store?.lock?.();
  try {
    const { runTraining } = await import('./run-training.js');
    return await runTraining(model, data, options, settings);
  } catch (error) {
    if (error instanceof FerError || !isDisposed(model)) throw error;
    throw new FerError('DISPOSED', 'the model has been disposed while it was trained', { cause: error });
  } finally {
    await unlock?.();
  }
}
