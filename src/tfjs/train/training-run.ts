import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { FerError } from '../../errors.js';
import { allFinite } from '../../network/all-finite.js';
import { evaluateRows } from '../evaluate/evaluate-rows.js';
import { type LabelledRows, rowBlocks } from '../evaluate/labelled-data.js';
import type { EvaluationReport } from '../evaluate/metrics.js';
import { classNamesOf } from '../model/model-spec.js';
import { Adam, type AdamStep } from './adam.js';
import type { GradientSource } from './batch-gradients.js';
import { decodeCheckpoint, encodeCheckpoint } from './checkpoint.js';
import { scheduleText } from './schedule.js';
import type { EpochFigures, TrainHistory, TrainResult } from './train-history.js';
import type { TrainSettings } from './train-options.js';
import type { TrainingData } from './training-data.js';

/** One training: the state that changes from step to step, and that a checkpoint stores. */
export class TrainingRun {
  /** Number of finished epochs. */
  epoch = 0;
  /** The source of the batches. */
  readonly source: GradientSource;
  readonly #model: LayersModel;
  readonly #settings: TrainSettings;
  readonly #adam: Adam;
  readonly #averages: tf.Variable[];
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

  constructor(model: LayersModel, settings: TrainSettings, training: TrainingData) {
    const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
    if (variables.length === 0) throw new FerError('MODEL', 'the model has no trainable weights');
    this.#model = model;
    this.#settings = settings;
    const { spec, seed } = settings;
    this.source = { model, variables, spec, training, seed, weightOfClass: classWeights(settings, training) };
    this.#adam = new Adam(variables, { weightDecay: settings.weightDecay });
    this.#averages = settings.ema === null ? [] : variables.map((v) => tf.tidy(() => tf.variable(tf.clone(v), false)));
  }

  /** Number of finished steps. */
  get steps(): number {
    return this.#adam.steps;
  }

  /** Updates the weights by one step, then their average; disposes the gradients. */
  apply(gradients: tf.NamedTensorMap, learningRate: number): void {
    this.#adam.step(gradients, learningRate);
    tf.dispose(gradients);
    const decay = this.#averageDecay();
    this.#averages.forEach((average, i) => {
      tf.tidy(() => average.assign(tf.add(tf.mul(average, decay), tf.mul(this.source.variables[i], 1 - decay))));
    });
  }

  /** Counts a step that was done elsewhere, on {@link moved}. */
  nextStep(learningRate: number): AdamStep & { averageDecay: number } {
    const numbers = this.#adam.nextStep(learningRate);
    return { ...numbers, averageDecay: this.#averageDecay() };
  }

  /** Everything that a step updates, except the weights that are not trained; averages are empty if they are not kept. */
  get moved(): Record<'weights' | 'means' | 'squares' | 'averages', readonly tf.Variable[]> {
    const moments = this.#adam.state();
    const weights = this.source.variables;
    const [means, squares] = [moments.slice(0, weights.length), moments.slice(weights.length)];
    return { weights, means, squares, averages: this.#averages };
  }

  /**
   * Validates, records the figures, keeps the weights if they are the best, and saves the checkpoint.
   *
   * @throws FerError `NOT_FINITE` when the training has diverged; nothing of the epoch is kept.
   */
  async endEpoch(figures: EpochFigures, validation: LabelledRows | undefined): Promise<void> {
    await this.#checkFinite();
    const raw = await this.#withAverages(async () => {
      if (validation) {
        const report = await this.#validate(validation);
        figures.valLoss = report.loss;
        figures.valAccuracy = report.accuracy;
        figures.valMacroRecall = report.macroRecall;
      }
      for (const [figure, value] of Object.entries(figures)) this.#history[figure as keyof TrainHistory].push(value);
      this.epoch++;
      if (!validation || this.#lastImprovement(0) === this.epoch) {
        this.#bestEpoch = this.epoch;
        this.#bestWeights = await valuesOf(allWeights(this.#model));
      }
    });
    await this.#save(raw);
  }

  outOfPatience(): boolean {
    const stopping = this.#settings.earlyStopping;
    if (stopping === null) return false;
    return this.epoch - this.#lastImprovement(stopping.minDelta ?? 0) >= stopping.patience;
  }

  /** Puts the best weights into the model, and returns the result. */
  finish(): TrainResult {
    assign(allWeights(this.#model), this.#bestWeights);
    const figures = Object.entries(this.#history)
      .filter(([, values]) => values.length > 0)
      .map(([figure, values]) => [figure, values[this.#bestEpoch - 1]]);
    const best = { epoch: this.#bestEpoch, ...Object.fromEntries(figures) } as TrainResult['best'];
    return { history: this.#history, best, stoppedAt: this.epoch };
  }

  /**
   * Continues from the checkpoint, if there is one.
   *
   * @throws FerError `CHECKPOINT` when it is damaged or from another training.
   */
  async restore(): Promise<void> {
    const weights = allWeights(this.#model);
    const targets = [...weights, ...this.#adam.state(), ...this.#averages];
    const floats = [...targets, ...weights].reduce((sum, { size }) => sum + size, 0);
    const bytes = await this.#settings.store!.load(4 * floats + MOST_HEAD);
    if (bytes === null) return;
    const { state, arrays } = decodeCheckpoint(bytes);
    const saved = state as unknown as SavedState;
    const mine = this.#settingsText();
    if (saved?.settings !== mine) {
      const [theirs, ours] = differences(saved?.settings, mine);
      throw new FerError('CHECKPOINT', `the checkpoint was made with other settings: ${theirs}, not ${ours}`);
    }
    if (!isSavedState(saved)) throw incomplete();
    const best = arrays.slice(targets.length);
    if (
      best.length !== (saved.bestEpoch > 0 ? weights.length : 0) ||
      best.some((a, i) => a.length !== weights[i].size)
    ) {
      throw new FerError('CHECKPOINT', 'the checkpoint belongs to a model of another shape');
    }
    if (targets.some((target, i) => arrays[i]?.length !== target.size)) {
      throw new FerError('CHECKPOINT', 'the checkpoint belongs to a model of another shape');
    }
    if (!arrays.every(allFinite)) {
      throw new FerError('CHECKPOINT', 'the checkpoint has weights that are not finite, from a training that diverged');
    }
    // Without a best epoch yet, there are no best weights.
    if (saved.epoch > 0 && saved.bestEpoch === 0) throw incomplete();
    assign(targets, arrays);
    this.#adam.steps = saved.steps;
    this.epoch = saved.epoch;
    for (const figure of Object.keys(this.#history) as (keyof TrainHistory)[]) {
      this.#history[figure] = saved.history[figure].slice(0, saved.epoch);
    }
    this.#bestEpoch = saved.bestEpoch;
    this.#bestWeights = best;
  }

  dispose(): void {
    this.#adam.dispose();
    tf.dispose(this.#averages);
  }

  /** At first this is the plain mean of all steps so far. */
  #averageDecay(): number {
    return Math.min(this.#settings.ema ?? 0, (1 + this.steps) / (10 + this.steps));
  }

  /** Runs `work` with the averaged weights in the model, then restores the trained weights; returns them for a checkpoint. */
  async #withAverages(work: () => Promise<void>): Promise<Float32Array[]> {
    const weights = allWeights(this.#model);
    // 2 MB: copied only where somebody needs it.
    const isNeeded = this.#averages.length > 0 || this.#settings.store !== null;
    const raw = isNeeded ? await valuesOf(weights) : [];
    if (this.#averages.length > 0) assign(this.source.variables, await valuesOf(this.#averages));
    try {
      await work();
    } finally {
      if (this.#averages.length > 0) assign(weights, raw);
    }
    return raw;
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

  /** The loss is measured before a step, so the effect of an epoch's last step is only visible in the weights. */
  async #checkFinite(): Promise<void> {
    const { means, squares, averages } = this.moved;
    const parts = { weights: allWeights(this.#model), means, squares, averages };
    for (const [part, variables] of Object.entries(parts)) {
      for (const variable of variables) {
        if (allFinite(await variable.data())) continue;
        const what = part === 'weights' || part === 'averages' ? 'the weights' : "Adam's moments";
        throw this.#diverged(`${what} are no longer finite`);
      }
    }
  }

  async #validate(validation: LabelledRows): Promise<EvaluationReport> {
    const { spec, signal } = this.#settings;
    try {
      return await evaluateRows(this.#model, rowBlocks(validation, spec, 256), classNamesOf(this.#model), signal);
    } catch (error) {
      if (!(error instanceof FerError && error.code === 'NOT_FINITE')) throw error;
      throw this.#diverged(`on the validation data, ${error.message}`);
    }
  }

  #diverged(what: string): FerError {
    return new FerError('NOT_FINITE', `${what} in epoch ${this.epoch + 1}: try a smaller learning rate`);
  }

  async #save(raw: Float32Array[]): Promise<void> {
    if (this.#settings.store === null) return;
    const state: SavedState = {
      settings: this.#settingsText(),
      epoch: this.epoch,
      steps: this.steps,
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

  /** The settings that must be equal when a training is resumed: all except `epochs` and functions, which cannot be compared. */
  #settingsText(): string {
    const { batchSize, learningRate, weightDecay, normalization, seed, sampling, ema, monitor, workers } =
      this.#settings;
    const { schedule, augment, classWeights = null, earlyStopping } = this.#settings;
    return JSON.stringify({
      samples: this.source.training.count,
      ...{ batchSize, learningRate, weightDecay, normalization, seed, sampling, ema, monitor, workers },
      schedule: scheduleText(schedule),
      augment: augment && sorted(augment),
      classWeights: typeof classWeights === 'object' ? classWeights && Array.from(classWeights) : classWeights,
      earlyStopping: earlyStopping && { patience: earlyStopping.patience, minDelta: earlyStopping.minDelta ?? 0 },
    });
  }
}

/** The differences between two settings as JSON. */
function differences(saved: unknown, mine: string): [string, string] {
  try {
    const [theirs, ours] = [JSON.parse(saved as string), JSON.parse(mine)] as Record<string, unknown>[];
    const names = Object.keys({ ...theirs, ...ours });
    const differing = names.filter((name) => JSON.stringify(theirs[name]) !== JSON.stringify(ours[name]));
    const part = (all: Record<string, unknown>) =>
      JSON.stringify(Object.fromEntries(differing.map((name) => [name, all[name]])));
    return [part(theirs), part(ours)];
  } catch {
    return [String(saved), mine];
  }
}

/** Fields sorted by name. */
function sorted(fields: object): object {
  return Object.fromEntries(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)));
}
/** Most bytes of a checkpoint besides its arrays: enough for the figures of a million epochs. */
const MOST_HEAD = 2 ** 26;

interface SavedState {
  settings: string;
  epoch: number;
  steps: number;
  history: TrainHistory;
  bestEpoch: number;
}

/** Checks that `#save` wrote a checkpoint's state: a user's own store may return anything. */
function isSavedState(saved: SavedState): boolean {
  const { epoch, steps, bestEpoch, history } = saved;
  return (
    [epoch, steps, bestEpoch].every((count) => Number.isSafeInteger(count) && count >= 0) &&
    bestEpoch <= epoch &&
    ['loss', 'accuracy', 'learningRate'].every((figure) => isFigures(history?.[figure as keyof TrainHistory], epoch)) &&
    ['valLoss', 'valAccuracy', 'valMacroRecall'].every((figure) => {
      const values = history[figure as keyof TrainHistory];
      return isFigures(values, values?.length === 0 ? 0 : epoch);
    })
  );
}

function incomplete(): FerError {
  return new FerError('CHECKPOINT', 'the checkpoint lacks the state of a training');
}

/** One number per epoch. */
function isFigures(values: unknown, epochs: number): boolean {
  return Array.isArray(values) && values.length >= epochs && values.every((value) => Number.isFinite(value));
}

function classWeights({ classWeights, spec }: TrainSettings, training: TrainingData): Float32Array | null {
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
  return Promise.all(variables.map(async (variable) => new Float32Array(await variable.data())));
}

function assign(variables: readonly tf.Variable[], values: readonly Float32Array[]): void {
  variables.forEach((variable, i) => {
    tf.tidy(() => variable.assign(tf.tensor(values[i], variable.shape, 'float32')));
  });
}
