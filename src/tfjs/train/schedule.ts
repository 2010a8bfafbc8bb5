import { FerError } from '../../errors.js';

/**
 * A learning-rate schedule: given the share of the training that is done (0 at the first step, towards 1 at the last),
 * the factor that the learning rate is multiplied by.
 */
export type Schedule = (progress: number) => number;

export interface CosineScheduleOptions {
  /**
   * Share of the training in which the factor rises linearly from 0 to 1 first.
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
  const { warmup = 0, floor = 0 } = options;
  if (!(warmup >= 0 && warmup < 1)) throw new FerError('OPTION', `warmup must be in [0, 1), got ${warmup}`);
  if (!(floor >= 0 && floor <= 1)) throw new FerError('OPTION', `floor must be in [0, 1], got ${floor}`);
  return (progress) => {
    if (progress < warmup) return progress / warmup;
    const done = (progress - warmup) / (1 - warmup);
    return floor + ((1 - floor) * (1 + Math.cos(Math.PI * done))) / 2;
  };
}

export interface StepScheduleOptions {
  /** Shares of the training, ascending, at which the factor drops. */
  at: readonly number[];
  /**
   * What the factor is multiplied by at each.
   * @default 0.1
   */
  factor?: number;
}

/**
 * Drops by a constant factor at given moments.
 *
 * @example
 * await train(model, data, { schedule: stepSchedule({ at: [0.5, 0.75] }) });
 */
export function stepSchedule({ at, factor = 0.1 }: StepScheduleOptions): Schedule {
  return (progress) => factor ** at.filter((moment) => progress >= moment).length;
}
