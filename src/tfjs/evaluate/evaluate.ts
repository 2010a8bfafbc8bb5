import type { LayersModel } from '@tensorflow/tfjs-layers';
import { EMOTIONS } from '../../emotions.js';
import { FerError } from '../../errors.js';
import type { Normalization } from '../../image/normalize.js';
import { tfjsPredictor } from '../backends/tfjs-predictor.js';
import { currentBackend } from '../backends/use-backend.js';
import { metadataOf } from '../model/metadata.js';
import { type LabelledData, type LabelledRows, labelledBatches, specOf } from './labelled-data.js';
import { type EvaluationReport, measure } from './metrics.js';

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
   * Names of the classes.
   * @default what the model's metadata says, else `EMOTIONS` for five classes, else 'class 0', 'class 1', ...
   */
  classes?: readonly string[];
  /** Told of each batch, in the order of the data: to show progress, or to look at single samples. */
  onBatch?(batch: EvaluatedBatch): void;
  /** Stops the evaluation. */
  signal?: AbortSignal;
}

/** Samples that have gone through the model. */
export interface EvaluatedBatch {
  count: number;
  /** What the model says, [count,classes] flattened. */
  probabilities: Float32Array;
  /** What is true, as probabilities, [count,classes] flattened. */
  labels: Float32Array;
}

/**
 * Measures a model on labelled data: loss, accuracy, confusion matrix, per-class figures, calibration. Nothing is
 * augmented and dropout is off.
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
  const classes = options.classes ?? classNamesOf(model);
  if (classes.length !== spec.classes) {
    throw new FerError('CLASSES', `${classes.length} class names for a model with ${spec.classes} classes`);
  }
  if (!(Number.isInteger(batchSize) && batchSize > 0)) {
    throw new FerError('OPTION', `batchSize must be a positive integer, got ${batchSize}`);
  }
  return evaluateRows(model, labelledBatches(data, spec, normalization, batchSize), classes, signal, options.onBatch);
}

/** As {@link evaluate}, on batches that have been made ready. */
export async function evaluateRows(
  model: LayersModel,
  batches: Iterable<LabelledRows> | AsyncIterable<LabelledRows>,
  classes: readonly string[],
  signal?: AbortSignal,
  onBatch?: EvaluateOptions['onBatch'],
): Promise<EvaluationReport> {
  const backend = await currentBackend();
  const predictor = backend.predictor?.(model) ?? tfjsPredictor(backend, model);
  const probabilities: Float32Array[] = [];
  const labels: Float32Array[] = [];
  try {
    for await (const batch of batches) {
      if (signal?.aborted) throw new FerError('ABORTED', 'evaluate was aborted', { cause: signal.reason });
      const said = await predictor.predict(batch.inputs, batch.count);
      probabilities.push(said);
      labels.push(batch.labels);
      onBatch?.({ count: batch.count, probabilities: said, labels: batch.labels });
    }
  } finally {
    predictor.dispose();
  }
  return measure(joined(probabilities), joined(labels), classes);
}

/** Names of a model's classes: its metadata's, the emotions for five, else numbered. */
export function classNamesOf(model: LayersModel): readonly string[] {
  const { classes } = specOf(model);
  const named = metadataOf(model).classes;
  if (named?.length === classes) return named;
  return classes === EMOTIONS.length ? EMOTIONS : Array.from({ length: classes }, (_, i) => `class ${i}`);
}

// --- below this line: helpers of this file alone ---

function joined(parts: Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
