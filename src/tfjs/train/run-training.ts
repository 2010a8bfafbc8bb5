import type { LayersModel } from '@tensorflow/tfjs-layers';
import { throwIfAborted } from '../../abort.js';
import { inClassOrder } from '../../class-names.js';
import { describeInput } from '../../describe-input.js';
import { FerError } from '../../errors.js';
import { checkProbabilities } from '../../network/check-probabilities.js';
import { currentBackend } from '../backends/current-backend.js';
import { tfjsPredictor } from '../backends/tfjs-predictor.js';
import { classNamesOfData, type LabelledData, matchedByName } from '../evaluate/labelled-data.js';
import { forgetFileFacts, setMetadata } from '../model/metadata.js';
import { classNamesOf, givenClassNames } from '../model/model-spec.js';
import { startGradientWorkers } from './gradient-workers.js';
import { randomStream } from './random.js';
import { epochOrder } from './sampling.js';
import type { EpochFigures, TrainResult } from './train-history.js';
import type { TrainCallbacks, TrainOptions, TrainSettings } from './train-options.js';
import { allRows, readTrainingData } from './training-data.js';
import { TrainingRun } from './training-run.js';
import { stepsHere, type TrainingSteps } from './training-steps.js';

/** Trains a model with checked options: see `train`. */
export async function runTraining(
  model: LayersModel,
  data: LabelledData,
  options: TrainOptions,
  settings: TrainSettings,
): Promise<TrainResult> {
  const { spec, epochs, batchSize, seed, signal, normalization } = settings;
  const backend = await currentBackend();
  const classes = classesToTrain(model, data);
  const training = await readTrainingData(
    matchedByName(data, classes),
    { spec, normalization, augmentation: settings.augment },
    signal,
  );
  const validation =
    options.validationData &&
    (await allRows(matchedByName(options.validationData, classes), spec, normalization, signal));
  const inputs = new Float32Array(spec.inputSize);
  training.take(0, inputs, 0, randomStream(seed, 0));
  checkProbabilities(await tfjsPredictor(backend, model).predict(inputs, 1), spec.classes);
  setMetadata(model, { normalization, classes });
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
        throwIfAborted(signal, 'training');
        const first = step * batchSize;
        const rows = Math.min(batchSize, order.length - first);
        learningRate = rateAt(settings, (run.epoch + step / stepsPerEpoch) / epochs);
        const { loss, right } = await steps.take(first, rows, learningRate);
        if (!Number.isFinite(loss)) {
          throw new FerError('NOT_FINITE', `the loss became ${loss} in epoch ${epoch}: try a smaller learning rate`);
        }
        sums.loss += loss * rows;
        sums.right += right;
        for (const each of callbacks) await each.onBatchEnd?.({ epoch, step: step + 1, stepsPerEpoch, loss });
        if (performance.now() - lastPause > 50) {
          // Let timers, input and the abort signal run.
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

/**
 * The class names of the model's outputs: its own names, or else those of the data. A new model uses the default order, even if
 * the data has another.
 */
function classesToTrain(model: LayersModel, data: LabelledData): readonly string[] {
  const own = givenClassNames(model) ?? classNamesOf(model);
  const named = classNamesOfData(data);
  if (givenClassNames(model) !== undefined || named === undefined || named.length !== own.length) return own;
  return inClassOrder(named);
}

/** @throws FerError `OPTION` when a schedule returns an invalid factor. */
function rateAt({ learningRate, schedule }: TrainSettings, progress: number): number {
  const factor: unknown = schedule(progress);
  const rate = learningRate * (factor as number);
  if (typeof factor === 'number' && rate >= 0 && Number.isFinite(Math.fround(rate))) return rate;
  throw new FerError(
    'OPTION',
    `schedule must return a factor of at least 0, got ${describeInput(factor)} at ${progress}`,
  );
}
