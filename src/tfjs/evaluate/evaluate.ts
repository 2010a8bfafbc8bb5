import type { LayersModel } from '@tensorflow/tfjs-layers';
import { FerError } from '../../errors.js';
import type { SignalLike } from '../../global-types.js';
import { type Normalization, normalizationRule } from '../../image/normalize.js';
import { callback, listOf, number, optionsOf, signal as signalRule, text } from '../../options.js';
import { metadataOf } from '../model/metadata.js';
import { outputNamesFor, specOf } from '../model/model-spec.js';
import type { EvaluatedBatch } from './evaluate-rows.js';
import { classNamesOfData, type LabelledData, labelledBatches, matchedByName } from './labelled-data.js';
import type { EvaluationReport } from './metrics.js';

export interface EvaluateOptions {
  /**
   * Samples per batch.
   * @default 64
   */
  batchSize?: number;
  /**
   * How images are normalized; tensors are not normalized.
   * @default the normalization in the model's metadata, or else 'unit'
   */
  normalization?: Normalization;
  /**
   * Names of the model's outputs, for a model without names.
   * @default the names in the model's metadata, or else `EMOTIONS` for five classes, or else 'class 0', 'class 1', ...
   */
  classes?: readonly string[];
  /** Called with each batch, in the order of the data: to show progress or inspect samples. */
  onBatch?(batch: EvaluatedBatch): void;
  /** Stops the evaluation. */
  signal?: SignalLike;
}

/**
 * Measures a model on labelled data: loss, accuracy, confusion matrix, per-class figures, calibration. There is
 * no augmentation and no dropout. Data with class names, such as that of `imageFolder`, is matched with the model by name.
 *
 * @param data - Tensors `{ xs, ys }`, or samples such as those of `imageFolder`; streamed, never all in memory.
 * @throws FerError `MODEL`, `DATA`, `SHAPE`, `CLASSES`, `NOT_FINITE`, `OPTION`, `ABORTED`, and the errors of reading an
 * image.
 * @example
 * const report = await evaluate(model, imageFolder('faces/valid'));
 * console.log(report.accuracy, report.macroRecall);
 */
export async function evaluate(
  model: LayersModel,
  data: LabelledData,
  options: EvaluateOptions = {},
): Promise<EvaluationReport> {
  const spec = specOf(model);
  checkOptions(options);
  const { batchSize = 64, normalization = metadataOf(model).normalization ?? 'unit', signal } = options;
  const classes = options.classes ?? outputNamesFor(model, classNamesOfData(data));
  if (classes.length !== spec.classes) {
    throw new FerError('CLASSES', `${classes.length} class names for a model with ${spec.classes} classes`);
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

const checkOptions = optionsOf<EvaluateOptions>('evaluate', () => ({
  batchSize: number('a positive integer', (value) => Number.isSafeInteger(value) && value > 0),
  normalization: normalizationRule,
  classes: listOf(text, 'a list of names'),
  onBatch: callback,
  signal: signalRule,
}));
