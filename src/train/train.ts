import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { runtime } from '#runtime';
import { currentBackend, runOn } from '../backends/use-backend.js';
import { FerError } from '../errors.js';
import { classNamesOf, evaluateRows } from '../evaluate/evaluate.js';
import { type LabelledData, type LabelledRows, type ModelSpec, specOf } from '../evaluate/labelled-data.js';
import { indexOfLargest } from '../evaluate/metrics.js';
import type { Normalization } from '../image/normalize.js';
import { metadataOf, setMetadata } from '../model/metadata.js';
import { Adam } from './adam.js';
import { type AugmentOptions, checkAugmentOptions } from './augment.js';
import { type CheckpointStore, decodeCheckpoint, encodeCheckpoint } from './checkpoint.js';
import { randomStream } from './random.js';
import { epochOrder, type Sampling } from './sampling.js';
import type { Schedule } from './schedule.js';
import { withSeededDropout } from './seeded-dropout.js';
import { allRows, readTrainingData, type TrainingData, throwIfAborted } from './training-data.js';
import { trainingLoss } from './training-loss.js';

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
  /** How the learning rate moves; constant without one. See `cosineSchedule` and `stepSchedule`. */
  schedule?: Schedule;
  /**
   * Decoupled weight decay, on kernels only: each step shrinks them by learning rate times this.
   * @default 0
   */
  weightDecay?: number;
  /** Measured after each epoch, without augmentation or dropout. */
  validationData?: LabelledData;
  /**
   * Random changes to the training images. `REPORT_AUGMENTATION` is what the original report used.
   * @default none
   */
  augment?: AugmentOptions;
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
  /** Told of progress. */
  callbacks?: TrainCallbacks | readonly TrainCallbacks[];
  /** Stops the training before the next step, with FerError `ABORTED`; the model then holds its last weights. */
  signal?: AbortSignal;
}

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

/** The figures of one epoch. */
export interface EpochFigures {
  /** Mean loss of the training batches, augmented and with dropout, as they were seen. */
  loss: number;
  /** Share of the training samples that were right as they were seen. */
  accuracy: number;
  /** The learning rate of the epoch's last step. */
  learningRate: number;
  valLoss?: number;
  valAccuracy?: number;
  valMacroRecall?: number;
}

/** A list a figure, one entry an epoch; those of validation are empty without validation data. */
export type TrainHistory = { [Figure in keyof EpochFigures]-?: number[] };

export interface TrainResult {
  history: TrainHistory;
  /** The epoch (from 1) whose weights the model now holds, and its figures. */
  best: { epoch: number } & EpochFigures;
  /** Epochs that were done, of all that were asked for. */
  stoppedAt: number;
}

/**
 * Trains a model with Adam and categorical cross-entropy, on the backend in use. Afterwards the model holds the weights
 * of its best epoch (without validation data: of its last).
 *
 * @param model - Any `tf.LayersModel` from [n,height,width,channels] to class probabilities [n,classes].
 * @param data - Tensors `{ xs, ys }`, or samples `{ image, label }` such as those of `imageFolder`. Labels are class
 * indices or probabilities over the classes (soft labels). Samples are read once and kept in memory as 8-bit levels.
 * @throws FerError `MODEL`, `DATA`, `SHAPE`, `CLASSES`, `OPTION`, `NOT_FINITE` when the loss is no longer a number,
 * `CHECKPOINT`, `ABORTED`, and what reading an image throws.
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
  const settings = checkedSettings(model, options);
  const { spec, epochs, batchSize, seed, signal } = settings;
  throwIfAborted(signal);
  const backend = await currentBackend();
  const { normalization } = settings;
  const training = await readTrainingData(data, spec, normalization, options.augment ?? null, signal);
  const validation = options.validationData && (await allRows(options.validationData, spec, normalization, signal));
  setMetadata(model, { normalization, classes: classNamesOf(model), metrics: undefined, sha256: undefined });

  const run = new Run(model, settings, training);
  const callbacks = [options.callbacks ?? []].flat() as TrainCallbacks[];
  try {
    if (options.resume) await run.restore();
    const stepsPerEpoch = Math.ceil(training.count / batchSize);
    for (const each of callbacks) await each.onTrainBegin?.({ samples: training.count, stepsPerEpoch, epochs });

    let lastPause = performance.now();
    while (run.epoch < epochs && !run.outOfPatience()) {
      const epoch = run.epoch + 1;
      const order = epochOrder(training, spec.classes, settings.sampling, randomStream(seed, 1, epoch));
      const sums = { loss: 0, right: 0 };
      let learningRate = 0;
      for (let step = 0; step < stepsPerEpoch; step++) {
        throwIfAborted(signal);
        const indices = order.subarray(step * batchSize, (step + 1) * batchSize);
        const progress = (run.epoch + step / stepsPerEpoch) / epochs;
        learningRate = settings.learningRate * settings.schedule(progress);
        const done = runOn(backend, () => run.step(indices, learningRate));
        const { loss, right } = await done();
        if (!Number.isFinite(loss)) {
          throw new FerError('NOT_FINITE', `the loss became ${loss} in epoch ${epoch}: try a smaller learning rate`);
        }
        sums.loss += loss * indices.length;
        sums.right += right;
        for (const each of callbacks) await each.onBatchEnd?.({ epoch, step: step + 1, stepsPerEpoch, loss });
        if (performance.now() - lastPause > 50) {
          // Timers, input and the abort signal get their turn.
          await new Promise((resolve) => setTimeout(resolve, 0));
          lastPause = performance.now();
        }
      }
      const figures: EpochFigures = {
        loss: sums.loss / order.length,
        accuracy: sums.right / order.length,
        learningRate,
      };
      await run.endEpoch(figures, validation);
      for (const each of callbacks) await each.onEpochEnd?.(epoch, figures);
    }
    return run.finish();
  } finally {
    run.dispose();
  }
}

// --- below this line: helpers of this file alone ---

interface Settings {
  spec: ModelSpec;
  epochs: number;
  batchSize: number;
  learningRate: number;
  schedule: Schedule;
  weightDecay: number;
  normalization: Normalization;
  seed: number;
  sampling: Sampling;
  classWeights: TrainOptions['classWeights'];
  ema: number | null;
  monitor: Monitor;
  earlyStopping: EarlyStopping | null;
  store: CheckpointStore | null;
  signal: AbortSignal | undefined;
}

function checkedSettings(model: LayersModel, options: TrainOptions): Settings {
  const {
    epochs = 10,
    batchSize = 32,
    learningRate = 1e-3,
    weightDecay = 0,
    seed = 1,
    sampling = 'shuffled',
  } = options;
  const spec = specOf(model);
  checkInteger('epochs', epochs, 1);
  checkInteger('batchSize', batchSize, 1);
  checkInteger('seed', seed, 0);
  if (!(learningRate > 0 && Number.isFinite(learningRate))) {
    throw new FerError('OPTION', `learningRate must be positive, got ${learningRate}`);
  }
  if (!(weightDecay >= 0 && Number.isFinite(weightDecay))) {
    throw new FerError('OPTION', `weightDecay must be 0 or more, got ${weightDecay}`);
  }
  if (!['shuffled', 'balanced', 'square-root'].includes(sampling)) {
    throw new FerError('OPTION', `sampling must be 'shuffled', 'balanced' or 'square-root', got '${sampling}'`);
  }
  const { ema, classWeights, validationData, earlyStopping } = options;
  if (ema !== undefined && !(ema > 0 && ema < 1)) throw new FerError('OPTION', `ema must be in (0, 1), got ${ema}`);
  if (options.augment) checkAugmentOptions(options.augment);
  if (Array.isArray(classWeights)) {
    if (classWeights.length !== spec.classes) {
      throw new FerError('CLASSES', `${classWeights.length} classWeights for a model with ${spec.classes} classes`);
    }
    if (!classWeights.every((weight) => weight >= 0 && Number.isFinite(weight))) {
      throw new FerError('OPTION', `classWeights must be 0 or more, got ${classWeights.join(', ')}`);
    }
  }
  const monitor = options.monitor ?? (validationData ? 'valLoss' : 'loss');
  if (!['loss', 'valLoss', 'valAccuracy', 'valMacroRecall'].includes(monitor)) {
    throw new FerError(
      'OPTION',
      `monitor must be 'loss', 'valLoss', 'valAccuracy' or 'valMacroRecall', got '${monitor}'`,
    );
  }
  if (monitor !== 'loss' && !validationData) throw new FerError('OPTION', `monitor '${monitor}' needs validationData`);
  if (earlyStopping) checkInteger('earlyStopping.patience', earlyStopping.patience, 1);
  if (options.resume && !options.checkpoint) throw new FerError('OPTION', 'resume needs a checkpoint to go on from');

  const { checkpoint } = options;
  return {
    spec,
    epochs,
    batchSize,
    learningRate,
    schedule: options.schedule ?? (() => 1),
    weightDecay,
    normalization: options.normalization ?? metadataOf(model).normalization ?? 'unit',
    seed,
    sampling,
    classWeights,
    ema: ema ?? null,
    monitor,
    earlyStopping: earlyStopping ?? null,
    store: typeof checkpoint === 'string' ? runtime.checkpointFolder(checkpoint) : (checkpoint ?? null),
    signal: options.signal,
  };
}

function checkInteger(name: string, value: number, least: number): void {
  if (!(Number.isSafeInteger(value) && value >= least)) {
    throw new FerError('OPTION', `${name} must be an integer of ${least} or more, got ${value}`);
  }
}

/** One training: everything that changes from step to step, and that a checkpoint holds. */
class Run {
  /** Epochs done. */
  epoch = 0;
  readonly #model: LayersModel;
  readonly #settings: Settings;
  readonly #training: TrainingData;
  readonly #variables: tf.Variable[];
  readonly #adam: Adam;
  readonly #averages: tf.Variable[];
  readonly #weightOfClass: Float32Array | null;
  #history: TrainHistory = {
    loss: [],
    accuracy: [],
    learningRate: [],
    valLoss: [],
    valAccuracy: [],
    valMacroRecall: [],
  };
  #bestEpoch = 0;
  /** All weights of the best epoch; empty before there is one. */
  #bestWeights: Float32Array[] = [];

  constructor(model: LayersModel, settings: Settings, training: TrainingData) {
    this.#model = model;
    this.#settings = settings;
    this.#training = training;
    this.#variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
    if (this.#variables.length === 0) throw new FerError('MODEL', 'the model has no trainable weights');
    this.#adam = new Adam(this.#variables, { weightDecay: settings.weightDecay });
    this.#averages =
      settings.ema === null ? [] : this.#variables.map((v) => tf.tidy(() => tf.variable(tf.clone(v), false)));
    this.#weightOfClass = classWeights(settings, training);
  }

  /**
   * Takes one step; to be called on the backend in use.
   *
   * @returns What reads the batch's loss and its count of right answers.
   */
  step(indices: Uint32Array, learningRate: number): () => Promise<{ loss: number; right: number }> {
    const { spec, seed, ema } = this.#settings;
    const { classes, inputSize } = spec;
    const n = indices.length;
    const inputs = new Float32Array(n * inputSize);
    const labels = new Float32Array(n * classes);
    const weights = this.#weightOfClass && new Float32Array(n);
    indices.forEach((index, row) => {
      // The position is part of the key: balanced sampling takes a sample more than once.
      const random = randomStream(seed, 2, this.epoch + 1, this.#adam.steps, row);
      this.#training.take(index, inputs, row * inputSize, random);
      labels.set(this.#training.labels.subarray(index * classes, (index + 1) * classes), row * classes);
      if (weights) weights[row] = this.#weightOfClass![this.#training.truth[index]];
    });

    let outputs: tf.Tensor2D | undefined;
    const xs = tf.tensor4d(inputs, [n, spec.height, spec.width, spec.channels]);
    const ys = tf.tensor2d(labels, [n, classes]);
    const ws = weights && tf.tensor1d(weights);
    const { value, grads } = withSeededDropout(this.#model, [seed, 3, this.#adam.steps], () =>
      tf.variableGrads(() => {
        const forward = trainingLoss(this.#model, xs, ys, ws);
        outputs = tf.keep(forward.outputs);
        return forward.loss;
      }, this.#variables),
    );
    this.#adam.step(grads, learningRate);
    if (ema !== null) this.#average(Math.min(ema, (1 + this.#adam.steps) / (10 + this.#adam.steps)));
    tf.dispose([xs, ys, grads]);
    ws?.dispose();

    return async () => {
      try {
        const [[loss], answers] = await Promise.all([value.data(), outputs!.data()]);
        let right = 0;
        indices.forEach((index, row) => {
          if (indexOfLargest(answers, row * classes, classes) === this.#training.truth[index]) right++;
        });
        return { loss, right };
      } finally {
        tf.dispose([value, outputs!]);
      }
    };
  }

  /** Validates, notes the figures, keeps the weights when they are the best, saves the checkpoint. */
  async endEpoch(figures: EpochFigures, validation: LabelledRows | undefined): Promise<void> {
    const raw = await this.#withAverages(async () => {
      if (validation) {
        const batches = blocksOf(validation, this.#settings.spec);
        const report = await evaluateRows(this.#model, batches, classNamesOf(this.#model), this.#settings.signal);
        figures.valLoss = report.loss;
        figures.valAccuracy = report.accuracy;
        figures.valMacroRecall = report.macroRecall;
      }
      for (const [figure, value] of Object.entries(figures)) this.#history[figure as keyof TrainHistory].push(value);
      this.epoch++;
      if (!validation || this.#isBest()) {
        this.#bestEpoch = this.epoch;
        this.#bestWeights = await valuesOf(allWeights(this.#model));
      }
    });
    await this.#save(raw);
  }

  outOfPatience(): boolean {
    const stopping = this.#settings.earlyStopping;
    if (stopping === null || this.epoch === 0) return false;
    return this.epoch - this.#lastImprovement(stopping.minDelta ?? 0) >= stopping.patience;
  }

  finish(): TrainResult {
    assign(allWeights(this.#model), this.#bestWeights);
    const figures = Object.entries(this.#history)
      .filter(([, values]) => values.length > 0)
      .map(([figure, values]) => [figure, values[this.#bestEpoch - 1]]);
    const best = { epoch: this.#bestEpoch, ...Object.fromEntries(figures) } as TrainResult['best'];
    return { history: this.#history, best, stoppedAt: this.epoch };
  }

  async restore(): Promise<void> {
    const bytes = await this.#settings.store!.load();
    if (bytes === null) return;
    const { state, arrays } = decodeCheckpoint(bytes);
    const saved = state as unknown as SavedState;
    const mine = this.#settingsText();
    if (saved.settings !== mine) {
      throw new FerError('CHECKPOINT', `the checkpoint was made with other settings: ${saved.settings}, not ${mine}`);
    }
    const targets = [...allWeights(this.#model), ...this.#adam.state(), ...this.#averages];
    const sizes = targets.map((target) => target.size);
    const best = arrays.slice(targets.length);
    if (sizes.some((size, i) => arrays[i]?.length !== size)) {
      throw new FerError('CHECKPOINT', 'the checkpoint is of a model of another shape');
    }
    assign(targets, arrays.slice(0, targets.length));
    this.#adam.steps = saved.steps;
    this.epoch = saved.epoch;
    this.#history = saved.history;
    this.#bestEpoch = saved.bestEpoch;
    this.#bestWeights = best;
  }

  dispose(): void {
    this.#adam.dispose();
    tf.dispose(this.#averages);
  }

  #average(decay: number): void {
    this.#averages.forEach((average, i) => {
      tf.tidy(() => average.assign(tf.add(tf.mul(average, decay), tf.mul(this.#variables[i], 1 - decay))));
    });
  }

  /** Runs work with the averaged weights in the model, then puts back and returns the weights as trained. */
  async #withAverages(work: () => Promise<void>): Promise<Float32Array[]> {
    const weights = allWeights(this.#model);
    const raw = await valuesOf(weights);
    if (this.#averages.length > 0) assign(this.#variables, await valuesOf(this.#averages));
    try {
      await work();
    } finally {
      if (this.#averages.length > 0) assign(weights, raw);
    }
    return raw;
  }

  #isBest(): boolean {
    return this.#lastImprovement(0) === this.epoch;
  }

  /** The epoch in which the monitored figure last improved by more than `minDelta`. */
  #lastImprovement(minDelta: number): number {
    const sign = ['loss', 'valLoss'].includes(this.#settings.monitor) ? 1 : -1;
    let best = Number.POSITIVE_INFINITY;
    let at = 0;
    this.#history[this.#settings.monitor].forEach((value, i) => {
      if (sign * value < best - minDelta || at === 0) {
        best = sign * value;
        at = i + 1;
      }
    });
    return at;
  }

  async #save(raw: Float32Array[]): Promise<void> {
    if (this.#settings.store === null) return;
    const state: SavedState = {
      settings: this.#settingsText(),
      epoch: this.epoch,
      steps: this.#adam.steps,
      history: this.#history,
      bestEpoch: this.#bestEpoch,
    };
    const moments = await valuesOf([...this.#adam.state(), ...this.#averages]);
    const bytes = encodeCheckpoint({
      state: state as unknown as Record<string, unknown>,
      arrays: [...raw, ...moments, ...this.#bestWeights],
    });
    await this.#settings.store.save(bytes);
  }

  /** What must be the same when a training is resumed; functions (the schedule) cannot be compared. */
  #settingsText(): string {
    const { batchSize, learningRate, weightDecay, normalization, seed, sampling, ema, monitor } = this.#settings;
    const samples = this.#training.count;
    return JSON.stringify({
      samples,
      batchSize,
      learningRate,
      weightDecay,
      normalization,
      seed,
      sampling,
      ema,
      monitor,
    });
  }
}

interface SavedState {
  settings: string;
  epoch: number;
  steps: number;
  history: TrainHistory;
  bestEpoch: number;
}

function classWeights({ classWeights, spec }: Settings, training: TrainingData): Float32Array | null {
  if (classWeights === undefined) return null;
  if (classWeights !== 'balanced') return Float32Array.from(classWeights);
  const counts = new Float32Array(spec.classes);
  for (const truth of training.truth) counts[truth]++;
  return counts.map((count) => (count === 0 ? 0 : training.count / (spec.classes * count)));
}

function allWeights(model: LayersModel): tf.Variable[] {
  return model.weights.map((weight) => weight.read() as tf.Variable);
}

async function valuesOf(variables: readonly tf.Variable[]): Promise<Float32Array[]> {
  return Promise.all(variables.map(async (variable) => Float32Array.from(await variable.data())));
}

function assign(variables: readonly tf.Variable[], values: readonly Float32Array[]): void {
  variables.forEach((variable, i) => {
    tf.tidy(() => variable.assign(tf.tensor(values[i], variable.shape, 'float32')));
  });
}

function* blocksOf(rows: LabelledRows, spec: ModelSpec): Generator<LabelledRows> {
  const size = 256;
  for (let from = 0; from < rows.count; from += size) {
    const count = Math.min(size, rows.count - from);
    yield {
      inputs: rows.inputs.subarray(from * spec.inputSize, (from + count) * spec.inputSize),
      labels: rows.labels.subarray(from * spec.classes, (from + count) * spec.classes),
      count,
    };
  }
}
