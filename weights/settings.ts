import { cosineSchedule, type TrainOptions } from '../src/index.js';

/** Version of the shipped weights: raise it whenever they change. */
export const WEIGHTS_VERSION = '3';

const COMMON = {
  batchSize: 128,
  schedule: cosineSchedule({ warmup: 0.02 }),
  weightDecay: 0.1,
  normalization: 'localContrast',
  seed: 1,
} satisfies TrainOptions;

/** The long part, where `start.bin` does not replace it: each epoch uses one of the views that the teacher has labelled. */
export const VIEWED = {
  ...COMMON,
  epochs: 302,
  learningRate: 3e-3,
  ema: 0.9995,
  augment: {
    flip: true,
    rotation: 12,
    shift: 0.08,
    scale: 0.15,
    zoom: 0.05,
    contrast: 0.2,
    brightness: 0.1,
    erasing: 0.1,
    gamma: 0.6,
    shadow: 0.15,
    motionBlur: 0.05,
    degrade: 0.25,
    degradeAgain: 0.3,
  },
} satisfies TrainOptions;

/** The last part: milder augmentation, drawn anew each epoch, with the mean of the teacher's answers as label of each face. */
export const POLISHED = {
  ...COMMON,
  epochs: 16,
  learningRate: 8e-4,
  ema: 0.999,
  augment: {
    flip: true,
    rotation: 10,
    shift: 0.06,
    scale: 0.12,
    zoom: 0.04,
    contrast: 0.2,
    brightness: 0.1,
    erasing: 0.05,
    gamma: 0.4,
    shadow: 0.1,
    motionBlur: 0.03,
    degrade: 0.15,
    degradeAgain: 0.2,
  },
} satisfies TrainOptions;
