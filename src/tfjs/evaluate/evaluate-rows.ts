import type { LayersModel } from '@tensorflow/tfjs-layers';
import { throwIfAborted } from '../../abort.js';
import { checkProbabilities } from '../../network/check-probabilities.js';
import { currentBackend } from '../backends/current-backend.js';
import { tfjsPredictor } from '../backends/tfjs-predictor.js';
import { joined } from '../joined.js';
import type { LabelledRows } from './labelled-data.js';
import { type EvaluationReport, measure } from './metrics.js';

/** Samples with the predictions of the model. */
export interface EvaluatedBatch {
  count: number;
  /** Predicted probabilities, [count,classes] flattened. */
  probabilities: Float32Array;
  /** True labels as probabilities, [count,classes] flattened. */
  labels: Float32Array;
}

/** Evaluates a model on prepared batches. */
export async function evaluateRows(
  model: LayersModel,
  batches: Iterable<LabelledRows> | AsyncIterable<LabelledRows>,
  classes: readonly string[],
  signal?: AbortSignal,
  onBatch?: (batch: EvaluatedBatch) => void,
): Promise<EvaluationReport> {
  const backend = await currentBackend();
  const predictor = backend.predictor?.(model) ?? tfjsPredictor(backend, model);
  const probabilities: Float32Array[] = [];
  const labels: Float32Array[] = [];
  try {
    for await (const batch of batches) {
      throwIfAborted(signal, 'evaluate');
      const said = await predictor.predict(batch.inputs, batch.count);
      checkProbabilities(said, classes.length);
      probabilities.push(said);
      labels.push(batch.labels);
      onBatch?.({ count: batch.count, probabilities: said, labels: batch.labels });
    }
  } finally {
    predictor.dispose();
  }
  return measure(joined(probabilities, Float32Array), joined(labels, Float32Array), classes);
}
