import { FerError } from '../errors.js';

/** Whether a setting may have a value. */
type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string' && value !== '';
const oneOf =
  (...words: readonly string[]): Check =>
  (value) =>
    words.includes(value as string);
const whole =
  (least: number, most = Number.MAX_SAFE_INTEGER): Check =>
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;
const between =
  (above: number, below: number): Check =>
  (value) =>
    typeof value === 'number' && value > above && value < below;

/** The valid values of the options of `fer-dcnn train` in `settings.json`. */
const CHECKS: Readonly<Record<string, Check>> = {
  val: (value) => value === false || isText(value),
  test: isText,
  model: isText,
  exclude: isText,
  votes: isText,
  skipUnreadable: (value) => value === true,
  classes: (value) => Array.isArray(value) && value.length > 0 && value.every(isText),
  map: (value) =>
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.keys(value).length > 0 &&
    Object.values(value).every(isText),
  aliases: (value) => typeof value === 'boolean',
  epochs: whole(1),
  patience: whole(1),
  batchSize: whole(1),
  seed: whole(0),
  workers: whole(1, 1024),
  learningRate: between(0, Number.POSITIVE_INFINITY),
  weightDecay: between(0, Number.POSITIVE_INFINITY),
  ema: between(0, 1),
  schedule: oneOf('constant', 'cosine', 'step'),
  augment: oneOf('report', 'strong', 'none'),
  normalization: oneOf('unit', 'standardize', 'localContrast'),
  sampling: oneOf('shuffled', 'balanced', 'square-root'),
  classWeights: oneOf('balanced'),
  monitor: oneOf('loss', 'valLoss', 'valAccuracy', 'valMacroRecall'),
  backend: oneOf('wasm', 'cpu'),
  quantize: oneOf('none', 'uint8', 'uint16'),
};

/**
 * Checks the settings of a run that is continued, because the file may have been edited.
 *
 * @param path - Path of the file, for the message.
 * @throws FerError `CHECKPOINT` for a setting that no option of `fer-dcnn train` could have given.
 */
export function checkSettings(settings: unknown, path: string): Record<string, unknown> {
  if (typeof settings !== 'object' || settings === null || Array.isArray(settings)) {
    throw new FerError('CHECKPOINT', `${path} has no settings`);
  }
  for (const [name, value] of Object.entries(settings)) {
    if (Object.hasOwn(CHECKS, name) && CHECKS[name](value)) continue;
    throw new FerError('CHECKPOINT', `${path}: ${name} cannot be ${JSON.stringify(value)?.slice(0, 100)}`);
  }
  return settings as Record<string, unknown>;
}
