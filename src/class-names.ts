import { EMOTIONS } from './emotions.js';
import { FerError } from './errors.js';

/**
 * Refuses class names that are not unique.
 *
 * @throws FerError `CLASSES` when they are not a list of different strings.
 */
export function checkClassNames(names: unknown): asserts names is readonly string[] {
  if (!areClassNames(names)) {
    const given = Array.isArray(names) ? `[${names.map(textOf).join(', ')}]` : textOf(names);
    throw new FerError('CLASSES', `classes must be unique names, got ${given}`);
  }
}

/** Whether a value is a list of different strings that are not empty. */
export function areClassNames(names: unknown): names is readonly string[] {
  return (
    Array.isArray(names) &&
    names.length > 0 &&
    names.every((name) => typeof name === 'string' && name !== '') &&
    new Set(names).size === names.length
  );
}

/** Names in the default order of classes: {@link EMOTIONS} first, then the others by alphabet. */
export function inClassOrder(names: Iterable<string>): string[] {
  const all = new Set(names);
  const others = [...all].filter((name) => !isEmotion(name));
  return [...EMOTIONS.filter((name) => all.has(name)), ...others.sort(byAlphabet)];
}

/**
 * Maps classes to the indices of the same names in another list.
 *
 * @param from - Names of the data, for example.
 * @param to - Names of the model, for example.
 * @param said - Descriptions of the two lists, for the message.
 * @returns For each of `from` its index in `to`; null if the order is the same.
 * @throws FerError `CLASSES` when one list has a name that the other lacks; the message has both lists.
 */
export function placesByName(
  from: readonly string[],
  to: readonly string[],
  said: readonly [string, string],
): number[] | null {
  const places = from.map((name) => to.indexOf(name));
  if (places.includes(-1) || from.length !== to.length) {
    throw new FerError('CLASSES', `${said[0]} has the classes ${from.join(', ')}; ${said[1]} has ${to.join(', ')}`);
  }
  return places.every((place, i) => place === i) ? null : places;
}

/**
 * Names for the outputs of a model: its own, or the user's names for a model without names.
 *
 * @param own - The model's names, or placeholders.
 * @param named - Whether the names come from the model itself.
 * @param wanted - The user's names; if the model has names, these must be the same, in any order.
 * @throws FerError `CLASSES` when they differ, or their number does.
 */
export function outputNames(
  own: readonly string[],
  named: boolean,
  wanted: readonly string[] | undefined,
): readonly string[] {
  if (wanted === undefined) return own;
  if (named) {
    placesByName(wanted, own, ['classes', 'the model']);
    return own;
  }
  if (wanted.length === own.length) return [...wanted];
  throw new FerError('CLASSES', `${wanted.length} names for a model with ${own.length} classes: ${wanted.join(', ')}`);
}

function isEmotion(name: string): boolean {
  return (EMOTIONS as readonly string[]).includes(name);
}

/** Case matters only between otherwise equal names; the order is the same on every machine. */
function byAlphabet(a: string, b: string): number {
  const [low, high] = [a.toLowerCase(), b.toLowerCase()];
  if (low !== high) return low < high ? -1 : 1;
  return a < b ? -1 : 1;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? typeof value);
}
