import { InvalidArgumentError } from 'commander';

/** Reads an option as a whole number in a range; anything else is wrong usage. */
export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
    const range = most === Number.MAX_SAFE_INTEGER ? `of ${least} or more` : `from ${least} to ${most}`;
    throw new InvalidArgumentError(`It must be a whole number ${range}.`);
  };
}

/** Reads an option as a number above `above` and, if given, below `below`. */
export function numberBetween(above: number, below = Number.POSITIVE_INFINITY): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (Number.isFinite(value) && value > above && value < below) return value;
    const range = below === Number.POSITIVE_INFINITY ? `above ${above}` : `above ${above} and below ${below}`;
    throw new InvalidArgumentError(`It must be a number ${range}.`);
  };
}
