import type { LayersModel } from '@tensorflow/tfjs-layers';
import { throwIfAborted } from '../../abort.js';
import { checkIsUsable, isDisposed } from '../../classify/layers-model-like.js';
import { FerError } from '../../errors.js';
import type { LabelledData } from '../evaluate/labelled-data.js';
import type { TrainResult } from './train-history.js';
import { type TrainOptions, trainSettings } from './train-options.js';

/**
 * Trains a model with Adam and categorical cross-entropy, on the backend in use. Afterwards the model has the weights
 * of its best epoch (without validation data, of its last epoch).
 *
 * @param model - Any `tf.LayersModel` from [n,height,width,channels] to class probabilities [n,classes].
 * @param data - Tensors `{ xs, ys }`, or samples `{ image, label }` such as those of `imageFolder`. Labels are class
 * indices or probabilities over the classes (soft labels). Samples are read once and kept in memory as 8-bit levels.
 * @throws FerError `MODEL`, also while another `train` uses the model; `DATA`, `SHAPE`, `CLASSES`, `OPTION`; `NOT_FINITE`
 * when loss or weights are no longer finite (the message names the epoch; the last checkpoint stays); `CHECKPOINT`, `ABORTED`, `DISPOSED`, `BACKEND_UNAVAILABLE` when a worker ends, and what reading an image throws.
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
  checkIsUsable(model);
  const settings = trainSettings(model, options);
  throwIfAborted(settings.signal, 'training');
  const release = takeWeights(model);
  let unlock: (() => Promise<void>) | undefined;
  try {
    unlock = await settings.store?.lock?.();
    const { runTraining } = await import('./run-training.js');
    return await runTraining(model, data, options, settings);
  } catch (error) {
    if (error instanceof FerError || !isDisposed(model)) throw error;
    throw new FerError('DISPOSED', 'the model has been disposed while it was trained', { cause: error });
  } finally {
    release();
    await unlock?.();
  }
}

/** Weights in training. Models may share layers, so weights are tracked instead of models. */
const inTraining = new WeakSet<object>();

/**
 * Reserves a model's weights for one training.
 *
 * @returns A function that releases them.
 * @throws FerError `MODEL` while another training uses some of them.
 */
function takeWeights(model: LayersModel): () => void {
  const weights = model.weights.map((weight) => weight.read() as object);
  if (weights.some((weight) => inTraining.has(weight))) {
    throw new FerError(
      'MODEL',
      'this model, or one that shares layers with it, is being trained: await that train() first',
    );
  }
  for (const weight of weights) inTraining.add(weight);
  return () => {
    for (const weight of weights) inTraining.delete(weight);
  };
}
