import { describeInput } from '../describe-input.js';
import { FerError } from '../errors.js';
import { number, type Rules } from '../options.js';
import type { ImageLimits } from '../runtime.js';

/** All of them. */
export type DecodeLimits = Required<ImageLimits>;

/** The default limits. */
export const DEFAULT_LIMITS: DecodeLimits = {
  maxPixels: 64e6,
  maxWork: 1,
  maxBytes: 512e6,
  maxFrames: Number.POSITIVE_INFINITY,
  maxMilliseconds: Number.POSITIVE_INFINITY,
};

const atLeastOne = number('a number of at least 1', (value) => value >= 1);

/** Rules for the limits among the options of a public function. */
export const limitRules: Rules<ImageLimits> = {
  maxPixels: atLeastOne,
  maxWork: number('a number above 0', (value) => value > 0),
  maxBytes: atLeastOne,
  maxFrames: atLeastOne,
  maxMilliseconds: atLeastOne,
};

/**
 * The limits among some options, with defaults for those that are missing.
 *
 * @throws FerError `OPTION` for a limit below 1, which no image could meet.
 */
export function imageLimits(options: ImageLimits): DecodeLimits {
  const { maxPixels, maxWork, maxBytes, maxFrames, maxMilliseconds } = options;
  return {
    maxPixels: limit('maxPixels', maxPixels),
    maxWork: work(maxWork),
    maxBytes: limit('maxBytes', maxBytes),
    maxFrames: limit('maxFrames', maxFrames),
    maxMilliseconds: limit('maxMilliseconds', maxMilliseconds),
  };
}

/**
 * The only limit for images that are already pixels.
 *
 * @throws FerError `OPTION` for a limit below 1.
 */
export function pixelLimit(options: ImageLimits): number {
  return limit('maxPixels', options.maxPixels);
}

/**
 * Refuses an encoded image of more than `maxBytes` bytes.
 *
 * @param name - Name of the image in the message.
 * @throws FerError `TOO_LARGE`.
 */
export function checkByteCount(bytes: number, maxBytes: number, name: string): void {
  if (bytes <= maxBytes) return;
  throw new FerError('TOO_LARGE', `${name} has ${bytes} bytes, over the limit of ${maxBytes}; maxBytes raises it`);
}

function limit(name: keyof ImageLimits, value: number = DEFAULT_LIMITS[name]): number {
  if (typeof value === 'number' && value >= 1) return value;
  throw new FerError('OPTION', `${name} must be a number of at least 1, got ${describeInput(value)}`);
}

/** A fraction of 1 is stricter than the default. */
function work(value: number = DEFAULT_LIMITS.maxWork): number {
  if (typeof value === 'number' && value > 0) return value;
  throw new FerError('OPTION', `maxWork must be a number above 0, got ${describeInput(value)}`);
}
