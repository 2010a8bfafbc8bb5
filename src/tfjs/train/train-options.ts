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
  nameAdvice,
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
import { MOST_WORKERS } from './most-workers.js';
import type { Sampling } from './sampling.js';
import { type Schedule, type ScheduleName, scheduleOf, scheduleRule } from './schedule.js';
import type { EpochFigures } from './train-history.js';

export interface TrainOptions {
  /**
   * Number of passes over the data.
   * @default 10
   */
  epochs?: number;
  /**
   * Samples per step; the last step of an epoch may have fewer.
   * @default 32
   */
  batchSize?: number;
  /**
   * Adam's learning rate; with a schedule, its maximum.
   * @default 1e-3
   */
  learningRate?: number;
  /**
   * How the learning rate changes; a name stands for `cosineSchedule()` or `stepSchedule({ at: [0.5, 0.75] })`.
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
   * Random changes to the training images. `'report'` is the augmentation of the original report: `REPORT_AUGMENTATION`.
   * @default 'none'
   */
  augment?: AugmentOptions | AugmentationName;
  /**
   * How images are normalized. The model stores it, and `classify` uses it. Tensors are not normalized.
   * @default the normalization in the model's metadata, or else 'unit'
   */
  normalization?: Normalization;
  /**
   * Seed of order, augmentation and dropout. The same seed, data, options and backend give the same history, bit for bit.
   * @default 1
   */
  seed?: number;
  /**
   * How an epoch selects samples: `shuffled` takes each once; `balanced` draws every class equally often; `square-root` is a
   * compromise, with weights of 1 / sqrt(class size).
   * @default 'shuffled'
   */
  sampling?: Sampling;
  /** Loss factor of each class, or `balanced`: count / (classes * class count). */
  classWeights?: 'balanced' | readonly number[];
  /**
   * Decay of an exponential moving average of the weights, such as 0.999; the averaged weights are validated and kept.
   * It starts as the plain mean of the first steps: the decay is at most (1 + step) / (10 + step).
   * @default none
   */
  ema?: number;
  /** The figure that selects the best epoch's weights. @default 'valLoss', or 'loss' without validation data */
  monitor?: Monitor;
  /** Ends the training when the monitored figure no longer improves. */
  earlyStopping?: EarlyStopping;
  /** Where the full state is saved after each epoch: a folder (Node), or an object that stores bytes. */
  checkpoint?: string | CheckpointStore;
  /**
   * Continues from the checkpoint, if there is one. All options except `epochs` must be the same as before.
   * @default false
   */
  resume?: boolean;
  /** Called with progress. */
  callbacks?: TrainCallbacks | readonly TrainCallbacks[];
  /**
   * Number of threads that share the work of every batch (Node), including the calling thread; at most 128. The same seed and
   * number of workers give the same result. In batch normalization, each thread normalizes its part of the batch by the
   * statistics of that part; the moving statistics are the means over the parts, weighted by the number of samples.
   * @default 1
   */
  workers?: number;
  /** Stops the training before the next step, with FerError `ABORTED`; the model then has its last weights. */
  signal?: SignalLike;
}

/** Figures that can select the best weights. */
export type Monitor = 'loss' | 'valLoss' | 'valAccuracy' | 'valMacroRecall';

export interface EarlyStopping {
  /** Number of epochs without improvement before the training ends. */
  patience: number;
  /**
   * The smallest change that counts as an improvement.
   * @default 0
   */
  minDelta?: number;
}

export interface TrainCallbacks {
  /** The data has been read. */
  onTrainBegin?(info: { samples: number; stepsPerEpoch: number; epochs: number }): void | Promise<void>;
  /** A step is done. `step` counts from 1 in the epoch, `loss` is the batch's. */
  onBatchEnd?(info: { epoch: number; step: number; stepsPerEpoch: number; loss: number }): void | Promise<void>;
  /** An epoch (from 1) is finished, validated and saved. */
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
  if (options.resume && !options.checkpoint) throw new FerError('OPTION', 'resume needs a checkpoint');

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

/** Options that change nothing count as none: samples are then stored as network inputs. */
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

const EVENTS: readonly (keyof TrainCallbacks)[] = ['onTrainBegin', 'onBatchEnd', 'onEpochEnd'];

/** Objects of the caller, which may have other properties too, but no events that are never called. */
const callbacks: Rule = (value, name) => {
  for (const each of [value].flat() as TrainCallbacks[]) {
    objectOfCallbacks(each, name);
    for (const event of EVENTS) {
      if (each[event] !== undefined) callback(each[event], `${name}.${event}`);
    }
    const unknown = Object.keys(each).find((key) => /^on[A-Z]/.test(key) && !EVENTS.some((event) => event === key));
    if (unknown === undefined) continue;
    throw new FerError('OPTION', `${name} has no event '${unknown}': ${nameAdvice(unknown, EVENTS)}`);
  }
};

const objectOfCallbacks = rule(
  'an object of callbacks, or a list of them',
  (value: Promise<unknown> | null) => typeof value === 'object' && value !== null && typeof value.then !== 'function',
);

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
