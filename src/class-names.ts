import { EMOTIONS } from './emotions.js';
import { FerError } from './errors.js';

/**
 * Refuses names that cannot tell classes apart.
 *
 * @throws FerError `CLASSES` when they are not a list of different texts.
 */
export function checkClassNames(names: unknown): asserts names is readonly string[] {
  if (!areClassNames(names)) {
    const given = Array.isArray(names) ? `[${names.map(textOf).join(', ')}]` : textOf(names);
    throw new FerError('CLASSES', `classes must be names, each once, got ${given}`);
  }
}

/** Whether something is a list of different texts, none of them empty. */
export function areClassNames(names: unknown): names is readonly string[] {
  return (
    Array.isArray(names) &&
    names.length > 0 &&
    names.every((name) => typeof name === 'string' && name !== '') &&
    new Set(names).size === names.length
  );
}

/** Names in the order that classes have by default: {@link EMOTIONS} first, then the others by alphabet. */
export function inClassOrder(names: Iterable<string>): string[] {
  const all = new Set(names);
  const others = [...all].filter((name) => !isEmotion(name));
  return [...EMOTIONS.filter((name) => all.has(name)), ...others.sort(byAlphabet)];
}

/**
 * Where each of some classes lies among others of the same names.
 *
 * @param from - Names of the data, say.
 * @param to - Names of the model, say.
 * @param said - What the two are, for the message.
 * @returns For each of `from` its index in `to`; null when the order is the same.
 * @throws FerError `CLASSES`, with both lists, when one has a name that the other lacks.
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
 * Names for the outputs of a model: its own, or those that a user has for a model without names.
 *
 * @param own - The model's, or what stands in their place.
 * @param named - Whether the model itself says so.
 * @param wanted - The user's: in any order the model's own, where it has some.
 * @throws FerError `CLASSES` when they are others, or another number of them.
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
  throw new FerError('CLASSES', `${wanted.length} names for a model of ${own.length} classes: ${wanted.join(', ')}`);
}

function isEmotion(name: string): boolean {
  return (EMOTIONS as readonly string[]).includes(name);
}

/** Case counts only between equals; the same on every machine. */
function byAlphabet(a: string, b: string): number {
  const [low, high] = [a.toLowerCase(), b.toLowerCase()];
  if (low !== high) return low < high ? -1 : 1;
  return a < b ? -1 : 1;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? typeof value);
}
