import { describeInput } from '../describe-input.js';
import { FerError } from '../errors.js';
import { nameAdvice, number, type Rule, rule } from '../options.js';

/**
 * Numbers that are added to the logits of classes, by name: 0.4 makes a class more likely, -0.4 less likely. The default
 * is 0. Only differences matter: the same number for every class changes nothing.
 */
export type ClassOffsets<C extends string> = { readonly [Name in C]?: number };

/** Rule for the option `offsets`; its names are checked when the classes are known. */
export const offsetsRule: Rule = (value, name) => {
  offsetsObject(value, name);
  for (const [className, offset] of Object.entries(value as object)) {
    if (offset !== undefined) finite(offset, `${name}.${className}`);
  }
};

/**
 * Converts offsets to an array in the order of the classes.
 *
 * @returns Undefined if all offsets are 0.
 * @throws FerError `CLASSES` for a name that is not a class; the message suggests the closest class.
 */
export function offsetsInOrder(
  offsets: ClassOffsets<string> | undefined,
  classes: readonly string[],
): Float64Array | undefined {
  if (offsets === undefined) return undefined;
  const list = new Float64Array(classes.length);
  for (const [className, offset] of Object.entries(offsets)) {
    const index = classes.indexOf(className);
    if (index < 0) throw unknownClass(className, classes);
    list[index] = offset ?? 0;
  }
  return list.every((offset) => offset === list[0]) ? undefined : list;
}

/**
 * Adds offsets to the logits of one row of probabilities: p exp(offset), divided by their sum, in double precision.
 *
 * @param probabilities - Shape [n,classes].
 * @param row - Index of the row.
 * @param offsets - One per class.
 * @returns The new probabilities, [classes].
 */
export function withOffsets(probabilities: ArrayLike<number>, row: number, offsets: Float64Array): Float64Array {
  const first = row * offsets.length;
  // The largest offset among classes with a probability above 0 becomes 0, so that nothing overflows and the sum stays above 0.
  let most = Number.NEGATIVE_INFINITY;
  offsets.forEach((offset, c) => {
    if (probabilities[first + c] > 0) most = Math.max(most, offset);
  });
  const shifted = offsets.map((offset, c) => {
    const probability = probabilities[first + c];
    return probability > 0 ? probability * Math.exp(offset - most) : 0;
  });
  const total = shifted.reduce((sum, share) => sum + share, 0);
  return shifted.map((share) => share / total);
}

const offsetsObject = rule(
  'numbers by class name, such as { angry: 0.4 }',
  (value: object) => value !== null && typeof value === 'object' && !Array.isArray(value) && !!Object.entries(value),
);

const finite = number('a finite number', Number.isFinite);

function unknownClass(className: string, classes: readonly string[]): FerError {
  const hint = nameAdvice(className, classes, classes.slice(0, 20));
  return new FerError('CLASSES', `offsets has ${describeInput(className)}, which is not a class: ${hint}`);
}
