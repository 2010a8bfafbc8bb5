import { callback, listOf, number, oneOf, optionsOf, type Rule } from '../../options.js';

/**
 * A learning-rate schedule: a function from the progress of the training (0 at the first step, towards 1 at the last) to the
 * factor for the learning rate.
 */
export type Schedule = (progress: number) => number;

export interface CosineScheduleOptions {
  /**
   * Share of the training, at its start, in which the factor rises linearly from 0 to 1.
   * @default 0
   */
  warmup?: number;
  /**
   * The factor at the end.
   * @default 0
   */
  floor?: number;
}

/**
 * Falls from 1 to `floor` along half a cosine (Loshchilov and Hutter, "SGDR", 2017, without restarts).
 *
 * @throws FerError `OPTION` for a warm-up outside [0, 1) or a floor outside [0, 1].
 * @example
 * await train(model, data, { learningRate: 3e-3, schedule: cosineSchedule({ warmup: 0.05 }) });
 */
export function cosineSchedule(options: CosineScheduleOptions = {}): Schedule {
  checkCosine(options);
  const { warmup = 0, floor = 0 } = options;
  return described('cosine', { warmup, floor }, (progress) => {
    if (progress < warmup) return progress / warmup;
    const done = (progress - warmup) / (1 - warmup);
    return floor + ((1 - floor) * (1 + Math.cos(Math.PI * done))) / 2;
  });
}

const checkCosine = optionsOf<CosineScheduleOptions>('cosineSchedule', () => ({
  warmup: number('in [0, 1)', (value) => value >= 0 && value < 1),
  floor: number('in [0, 1]', (value) => value >= 0 && value <= 1),
}));

export interface StepScheduleOptions {
  /** Shares of the training, ascending, at which the factor drops. */
  at: readonly number[];
  /**
   * Multiplier of the factor at each of these points.
   * @default 0.1
   */
  factor?: number;
}

/**
 * Drops by a constant factor at given points of the training.
 *
 * @throws FerError `OPTION` for a point outside [0, 1] or a factor that is not positive.
 * @example
 * await train(model, data, { schedule: stepSchedule({ at: [0.5, 0.75] }) });
 */
export function stepSchedule(options: StepScheduleOptions): Schedule {
  checkStep(options);
  const { at, factor = 0.1 } = options;
  const shares = [...at];
  return described(
    'step',
    { at: shares, factor },
    (progress) => factor ** shares.filter((moment) => progress >= moment).length,
  );
}

const share = number('in [0, 1]', (value) => value >= 0 && value <= 1);

const checkStep = optionsOf<StepScheduleOptions>(
  'stepSchedule',
  () => ({
    at: listOf(share, 'a list of shares of the training'),
    factor: number('positive', (value) => value > 0 && Number.isFinite(value)),
  }),
  'at',
);

/** Schedules by name, as `fer-dcnn train --schedule` has them. */
export type ScheduleName = 'constant' | 'cosine' | 'step';

/** The schedule with this name. */
export function scheduleOf(schedule: Schedule | ScheduleName): Schedule {
  if (schedule === 'cosine') return cosineSchedule();
  if (schedule === 'step') return stepSchedule({ at: [0.5, 0.75] });
  return schedule === 'constant' ? () => 1 : schedule;
}

/** Rule for the option `schedule`. */
export const scheduleRule: Rule = (value, name) => {
  const check = typeof value === 'string' ? oneOf('constant', 'cosine', 'step') : callback;
  check(value, name);
};

/** The settings of a schedule, for comparison; null for a constant schedule and for a user's function. */
export function scheduleText(schedule: Schedule): string | null {
  return texts.get(schedule) ?? null;
}

const texts = new WeakMap<Schedule, string>();

function described(name: ScheduleName, options: object, schedule: Schedule): Schedule {
  texts.set(schedule, `${name} ${JSON.stringify(options)}`);
  return schedule;
}
