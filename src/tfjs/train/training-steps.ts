import type { Backend } from '../../classify/backend.js';
import { runOn } from '../backends/current-backend.js';
import { batchGradients, takeShare } from './batch-gradients.js';
import type { TrainingRun } from './training-run.js';

/** Makes the steps of a training: gradients of a batch, then an update of the weights. */
export interface TrainingSteps {
  /**
   * @param epoch - From 1.
   * @param order - Indices of the epoch's samples.
   */
  beginEpoch(epoch: number, order: Uint32Array): Promise<void>;
  /**
   * Makes one step, after which the model has the new weights.
   *
   * @param first - Start of the batch in the epoch's order; `rows` is its number of samples.
   * @returns The batch's mean loss before the step, and its number of correct answers.
   */
  take(first: number, rows: number, learningRate: number): Promise<{ loss: number; right: number }>;
  /** Copies everything that the steps updated into the run. */
  endEpoch(): Promise<void>;
  dispose(): void;
}

/** Makes the steps on the calling thread only. */
export function stepsHere(run: TrainingRun, backend: Backend): TrainingSteps {
  let epoch = 0;
  let order = new Uint32Array();
  return {
    async beginEpoch(number, indices) {
      epoch = number;
      order = indices as Uint32Array<ArrayBuffer>;
    },
    async take(first, rows, learningRate) {
      const share = { indices: order.subarray(first, first + rows), firstRow: 0, part: 0, epoch, step: run.steps };
      const { gradients, figures } = runOn(backend, () => batchGradients(run.source, takeShare(run.source, share)));
      const { loss, right } = await figures();
      runOn(backend, () => run.apply(gradients, learningRate));
      return { loss, right };
    },
    async endEpoch() {},
    dispose() {},
  };
}
