import type { LayersModel } from '@tensorflow/tfjs-layers';
import { FerError } from '../../errors.js';
import { currentBackend } from '../backends/current-backend.js';
import type { LabelledData } from '../evaluate/labelled-data.js';
import { forgetFileFacts, setMetadata } from '../model/metadata.js';
import { classNamesOf } from '../model/model-spec.js';
import { startGradientWorkers } from './gradient-workers.js';
import { randomStream } from './random.js';
import { epochOrder } from './sampling.js';
import type { EpochFigures, TrainResult } from './train-history.js';
import type { TrainCallbacks, TrainOptions, TrainSettings } from './train-options.js';
import { allRows, readTrainingData, throwIfAborted } from './training-data.js';
import { TrainingRun } from './training-run.js';
import { stepsHere, type TrainingSteps } from './training-steps.js';

/** Trains a model with options that have been checked: see `train`. */
export async function runTraining(
  model: LayersModel,
  data: LabelledData,
  options: TrainOptions,
  settings: TrainSettings,
): Promise<TrainResult> {
  const { spec, epochs, batchSize, seed, signal, normalization } = settings;
  const backend = await currentBackend();
  const training = await readTrainingData(data, { spec, normalization, augmentation: options.augment ?? null }, signal);
  const validation = options.validationData && (await allRows(options.validationData, spec, normalization, signal));
  setMetadata(model, { normalization, classes: classNamesOf(model) });
  forgetFileFacts(model);

  const run = new TrainingRun(model, settings, training);
  const callbacks = [options.callbacks ?? []].flat() as TrainCallbacks[];
  let steps: TrainingSteps | undefined;
  try {
    if (options.resume) await run.restore();
    steps =
      settings.workers > 1
        ? await startGradientWorkers(settings.workers, run, batchSize, backend)
        : stepsHere(run, backend);
    const stepsPerEpoch = Math.ceil(training.count / batchSize);
    for (const each of callbacks) await each.onTrainBegin?.({ samples: training.count, stepsPerEpoch, epochs });

    let lastPause = performance.now();
    while (run.epoch < epochs && !run.outOfPatience()) {
      const epoch = run.epoch + 1;
      const order = epochOrder(training, spec.classes, settings.sampling, randomStream(seed, 1, epoch));
      await steps.beginEpoch(epoch, order);
      const sums = { loss: 0, right: 0 };
      let learningRate = 0;
      for (let step = 0; step < stepsPerEpoch; step++) {
        throwIfAborted(signal);
        const first = step * batchSize;
        const rows = Math.min(batchSize, order.length - first);
        learningRate = settings.learningRate * settings.schedule((run.epoch + step / stepsPerEpoch) / epochs);
        const { loss, right } = await steps.take(first, rows, learningRate);
        if (!Number.isFinite(loss)) {
          throw new FerError('NOT_FINITE', `the loss became ${loss} in epoch ${epoch}: try a smaller learning rate`);
        }
        sums.loss += loss * rows;
        sums.right += right;
        for (const each of callbacks) await each.onBatchEnd?.({ epoch, step: step + 1, stepsPerEpoch, loss });
        if (performance.now() - lastPause > 50) {
          // Timers, input and the abort signal get their turn.
          await new Promise((resolve) => (globalThis.setImmediate ?? setTimeout)(resolve));
          lastPause = performance.now();
        }
      }
      const figures: EpochFigures = {
        loss: sums.loss / order.length,
        accuracy: sums.right / order.length,
        learningRate,
      };
      await steps.endEpoch();
      await run.endEpoch(figures, validation);
      for (const each of callbacks) await each.onEpochEnd?.(epoch, figures);
    }
    return run.finish();
  } finally {
    steps?.dispose();
    run.dispose();
  }
}
