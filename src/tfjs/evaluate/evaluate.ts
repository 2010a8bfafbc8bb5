import type { LayersModel } from '@tensorflow/tfjs-layers';
import { FerError } from '../../errors.js';
import type { Normalization } from '../../image/normalize.js';
import { metadataOf } from '../model/metadata.js';
import { outputNamesFor, specOf } from '../model/model-spec.js';
import type { EvaluatedBatch } from './evaluate-rows.js';
import { classNamesOfData, type LabelledData, labelledBatches, matchedByName } from './labelled-data.js';
import type { EvaluationReport } from './metrics.js';

export interface EvaluateOptions {
  /**
   * Samples that go through the model at once.
   * @default 64
   */
  batchSize?: number;
  /**
   * How images are normalised; tensors are taken as they are.
   * @default what the model's metadata says, else 'unit'
   */
  normalization?: Normalization;
  /**
   * Names of the model's outputs, for a model that does not name them.
   * @default what the model's metadata says, else `EMOTIONS` for five classes, else 'class 0', 'class 1', ...
   */
  classes?: readonly string[];
  /** Told of each batch, in the order of the data: to show progress, or to look at single samples. */
  onBatch?(batch: EvaluatedBatch): void;
  /** Stops the evaluation. */
  signal?: AbortSignal;
}

/**
 * Measures a model on labelled data: loss, accuracy, confusion matrix, per-class figures, calibration. Nothing is
 * augmented and dropout is off. Data that names its classes, as `imageFolder` does, is matched with the model by name.
 *
 * @param data - Tensors `{ xs, ys }`, or samples such as those of `imageFolder`; streamed, never all in memory.
 * @throws FerError `MODEL`, `DATA`, `SHAPE`, `CLASSES`, `NOT_FINITE`, `OPTION`, `ABORTED`, and what reading an image
 * throws.
 * @example
 * const report = await evaluate(model, imageFolder('faces/valid'));
 * console.log(report.accuracy, report.macroRecall);
 */
export async function evaluate(
  model: LayersModel,
  data: LabelledData,
  options: EvaluateOptions = {},
): Promise<EvaluationReport> {
  const { batchSize = 64, normalization = metadataOf(model).normalization ?? 'unit', signal } = options;
  const spec = specOf(model);
  const classes = options.classes ?? outputNamesFor(model, classNamesOfData(data));
  if (classes.length !== spec.classes) {
    throw new FerError('CLASSES', `${classes.length} class names for a model with ${spec.classes} classes`);
  }
  if (!(Number.isInteger(batchSize) && batchSize > 0)) {
    throw new FerError('OPTION', `batchSize must be a positive integer, got ${batchSize}`);
  }
  const matched = matchedByName(data, classes);
  const { evaluateRows } = await import('./evaluate-rows.js');
  return evaluateRows(
    model,
    labelledBatches(matched, spec, normalization, batchSize),
    classes,
    signal,
    options.onBatch,
  );
}
