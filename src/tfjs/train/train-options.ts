import type { LayersModel } from '@tensorflow/tfjs-layers';
import { runtime } from '#runtime';
import { FerError } from '../../errors.js';
import type { SignalLike } from '../../global-types.js';
import { type Normalization, normalizationRule } from '../../image/normalize.js';
import {
  anything,
  boolean,
  callback,
  either,
  fields,
  having,
  integer,
  number,
  oneOf,
  optionsOf,
  type Rule,
  rule,
  signal,
  text,
} from '../../options.js';
import type { CheckpointStore } from '../../runtime.js';
import type { LabelledData } from '../evaluate/labelled-data.js';
import { metadataOf } from '../model/metadata.js';
import { type ModelSpec, specOf } from '../model/model-spec.js';
import { AUGMENTATIONS, type AugmentationName, augmentRule } from './augment.js';
import type { AugmentOptions } from './augment-options.js';
import type { Sampling } from './sampling.js';
import { type Schedule, type ScheduleName, scheduleOf, scheduleRule } from './schedule.js';
import type { EpochFigures } from './train-history.js';

export interface TrainOptions {
  /**
   * Times that the data is gone through.
   * @default 10
   */
  epochs?: number;
  /**
   * Samples a step; the last step of an epoch may have fewer.
   * @default 32
   */
  batchSize?: number;
  /**
   * Adam's learning rate, the peak where there is a schedule.
   * @default 1e-3
   */
  learningRate?: number;
  /**
   * How the learning rate moves; a name stands for `cosineSchedule()` or `stepSchedule({ at: [0.5, 0.75] })`.
   * @default 'constant'
   */
  schedule?: Schedule | ScheduleName;
  /**
   * Decoupled weight decay, on kernels only: each step shrinks them by learning rate times this.
   * @default 0
   */
  weightDecay?: number;
  /** Measured after each epoch, without augmentation or dropout. */
  validationData?: LabelledData;
  /**
   * Random changes to the training images. `'report'` is what the original report used: `REPORT_AUGMENTATION`.
   * @default 'none'
   */
  augment?: AugmentOptions | AugmentationName;
  /**
   * How images are normalised; recorded in the model, so that `classify` follows. Tensors are taken as they are.
   * @default what the model's metadata says, else 'unit'
   */
  normalization?: Normalization;
  /**
   * Decides order, augmentation and dropout. Same seed, data, options and backend: the same history, bit for bit.
   * @default 1
   */
  seed?: number;
  /**
   * Which samples an epoch takes: `shuffled`, each once; `balanced`, drawn so that every class comes equally often;
   * `square-root`, halfway, by the inverse square root of class size.
   * @default 'shuffled'
   */
  sampling?: Sampling;
  /** A factor a class on its samples' loss, or `balanced`: count / (classes * class count). */
  classWeights?: 'balanced' | readonly number[];
  /**
   * Decay of an exponential moving average of the weights, such as 0.999; the average is what is validated and kept.
   * It starts as the plain mean of the first steps: the decay is at most (1 + step) / (10 + step).
   * @default none
   */
  ema?: number;
  /** What decides which epoch's weights are the best. @default 'valLoss', or 'loss' without validation data */
  monitor?: Monitor;
  /** Ends the training when the monitored figure no longer improves. */
  earlyStopping?: EarlyStopping;
  /** Where the whole state is saved after each epoch: a folder (Node), or an object that keeps bytes. */
  checkpoint?: string | CheckpointStore;
  /**
   * Goes on from the checkpoint, when there is one; the options must be those it was started with, `epochs` aside.
   * @default false
   */
  resume?: boolean;
  /** Called with progress. */
  callbacks?: TrainCallbacks | readonly TrainCallbacks[];
  /**
   * Threads that share the work of every batch, on as many cores (Node); the one that calls is one of them. The same
   * seed and number of workers give the same result. 128 at most. Each thread normalises its part of the batch by the
   * statistics of that part; the moving statistics are their means, weighted by the number of samples.
   * @default 1
   */
  workers?: number;
  /** Stops the training before the next step, with FerError `ABORTED`; the model then holds its last weights. */
  signal?: SignalLike;
}

/** Threads of a training: each takes about 100 MB, and so many that they find no memory end the process. */
export const MOST_WORKERS = 128;

/** Figures that can decide which weights are best. */
export type Monitor = 'loss' | 'valLoss' | 'valAccuracy' | 'valMacroRecall';

export interface EarlyStopping {
  /** Epochs without improvement that are waited for. */
  patience: number;
  /**
   * The least change that counts as one.
   * @default 0
   */
  minDelta?: number;
}

export interface TrainCallbacks {
  /** The data has been read. */
  onTrainBegin?(info: { samples: number; stepsPerEpoch: number; epochs: number }): void | Promise<void>;
  /** A step is done. `step` counts from 1 in the epoch, `loss` is the batch's. */
  onBatchEnd?(info: { epoch: number; step: number; stepsPerEpoch: number; loss: number }): void | Promise<void>;
  /** An epoch (from 1) is done, validated and saved. */
  onEpochEnd?(epoch: number, figures: EpochFigures): void | Promise<void>;
}

/** The options, checked and complete. */
export interface TrainSettings {
  spec: ModelSpec;
  epochs: number;
  batchSize: number;
  learningRate: number;
  schedule: Schedule;
  weightDecay: number;
  normalization: Normalization;
  seed: number;
  sampling: Sampling;
  augment: AugmentOptions | null;
  classWeights: TrainOptions['classWeights'];
  ema: number | null;
  monitor: Monitor;
  earlyStopping: EarlyStopping | null;
  store: CheckpointStore | null;
  workers: number;
  signal: AbortSignal | undefined;
}

/**
 * Checks the options and fills in the defaults.
 *
 * @throws FerError `OPTION`, `CLASSES`, `MODEL`, naming the option and its value.
 */
export function trainSettings(model: LayersModel, options: TrainOptions): TrainSettings {
  const spec = specOf(model);
  checkOptions(options);
  const {
    epochs = 10,
    batchSize = 32,
    learningRate = 1e-3,
    weightDecay = 0,
    seed = 1,
    workers = 1,
    sampling = 'shuffled',
  } = options;
  const { ema, classWeights, validationData, earlyStopping } = options;
  if (typeof classWeights === 'object' && classWeights.length !== spec.classes) {
    throw new FerError('CLASSES', `${classWeights.length} classWeights for a model with ${spec.classes} classes`);
  }
  const monitor = options.monitor ?? (validationData ? 'valLoss' : 'loss');
  if (monitor !== 'loss' && !validationData) throw new FerError('OPTION', `monitor '${monitor}' needs validationData`);
  if (options.resume && !options.checkpoint) throw new FerError('OPTION', 'resume needs a checkpoint to go on from');

  const { checkpoint } = options;
  return {
    spec,
    epochs,
    batchSize,
    learningRate,
    schedule: scheduleOf(options.schedule ?? 'constant'),
    weightDecay,
    normalization: options.normalization ?? metadataOf(model).normalization ?? 'unit',
    seed,
    sampling,
    augment: augmentation(options.augment),
    classWeights,
    ema: ema ?? null,
    monitor,
    earlyStopping: earlyStopping ?? null,
    workers,
    store: typeof checkpoint === 'string' ? runtime.checkpointFolder(checkpoint) : (checkpoint ?? null),
    signal: options.signal,
  };
}

/** What augments nothing is none: samples are then kept as inputs. */
function augmentation(augment: TrainOptions['augment']): AugmentOptions | null {
  return typeof augment === 'string' ? AUGMENTATIONS[augment] : (augment ?? null);
}

const positive = number('positive', (value) => value > 0 && Number.isFinite(Math.fround(value)));
const zeroOrMore = number('0 or more', (value) => value >= 0 && Number.isFinite(Math.fround(value)));

const weightsOfClasses: Rule = either(
  oneOf('balanced'),
  rule('0 or more', (weights: number[]) =>
    Array.from(weights).every((weight) => typeof weight === 'number' && weight >= 0 && Number.isFinite(weight)),
  ),
);

/** Objects of the caller's own, which may hold more than callbacks. */
const callbacks: Rule = (value, name) => {
  for (const each of [value].flat() as TrainCallbacks[]) {
    having('an object of callbacks, or a list of them')(each, name);
    for (const event of ['onTrainBegin', 'onBatchEnd', 'onEpochEnd'] as const) {
      if (each[event] !== undefined) callback(each[event], `${name}.${event}`);
    }
  }
};

const checkOptions = optionsOf<TrainOptions>('train', () => ({
  epochs: integer(1),
  batchSize: integer(1),
  learningRate: positive,
  schedule: scheduleRule,
  weightDecay: zeroOrMore,
  validationData: anything,
  augment: augmentRule,
  normalization: normalizationRule,
  seed: integer(0),
  sampling: oneOf('shuffled', 'balanced', 'square-root'),
  classWeights: weightsOfClasses,
  ema: number('in (0, 1)', (value) => value > 0 && value < 1),
  monitor: oneOf('loss', 'valLoss', 'valAccuracy', 'valMacroRecall'),
  earlyStopping: fields<EarlyStopping>({ patience: integer(1), minDelta: zeroOrMore }, 'patience'),
  checkpoint: either(text, having('a folder, or an object with save() and load()', 'save', 'load')),
  resume: boolean,
  callbacks,
  workers: integer(1, MOST_WORKERS),
  signal,
}));
