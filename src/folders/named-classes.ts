import { commonName } from '../aliases.js';
import { checkClassNames, inClassOrder } from '../class-names.js';
import { EMOTIONS } from '../emotions.js';
import { FerError } from '../errors.js';
import { boolean, callback, listOf, type Rules, rule, text } from '../options.js';

/** How to map the names in a data set to classes. */
export interface ClassNameOptions {
  /**
   * Translates common names of emotions, in any case: `Surprise` is `surprised`, `HA` is `happy`. `onNote` gets a line about
   * the renamed classes.
   * @default true
   */
  aliases?: boolean;
  /**
   * Names of the classes to keep. Images of other classes are left out; `onNote` gets a line with their number.
   * @default all
   */
  keep?: readonly string[];
  /**
   * Classes to merge into another: `{ fear: 'surprised' }` merges fear into surprised.
   * @default none
   */
  map?: Readonly<Record<string, string>>;
  /**
   * Called with a line about renamed, merged and left-out classes.
   * @default written to standard error, each line once
   */
  onNote?: (line: string) => void;
}

/** Rules for the options on names. */
export const classNameRules: Rules<ClassNameOptions> = {
  aliases: boolean,
  keep: listOf(text, 'a list of names'),
  map: rule(
    "an object from name to name, such as { fear: 'surprised' }",
    (value: object) =>
      typeof value === 'object' &&
      !Array.isArray(value) &&
      Object.values(value).every((name) => typeof name === 'string' && name !== ''),
  ),
  onNote: callback,
};

/** The classes of a data set, and the class of each of its own names. */
export interface NamedClasses {
  classes: readonly string[];
  /** Class index of a name in the data; -1 if it is left out. */
  indexOf(name: string): number;
}

/**
 * Makes classes from the names in a data set. Without `keep`, if all names are emotions, the classes are `EMOTIONS`, even if
 * one of them does not occur. Otherwise they are the names that occur, `EMOTIONS` first, then by alphabet.
 *
 * @param counts - Number of images by name in the data.
 * @param wanted - The classes and their order, if given; images with other names are left out.
 * @param place - The data, for messages.
 * @throws FerError `CLASSES` for names that do not occur.
 */
export function namedClasses(
  counts: ReadonlyMap<string, number>,
  options: ClassNameOptions,
  place: string,
  wanted?: readonly string[],
): NamedClasses {
  const { aliases = true, keep, map = {}, onNote = tellOnce } = options;
  const common = aliases ? commonName : (name: string) => name;
  const joined = new Map(Object.entries(map).map(([from, to]) => [common(from), common(to)]));
  const nameOf = (name: string) => joined.get(common(name)) ?? common(name);

  const own = [...counts.keys()];
  const missing = [...joined.keys()].filter((name) => !own.some((each) => common(each) === name));
  if (missing.length > 0) throw absent(place, missing, own);
  let classes: readonly string[];
  if (wanted !== undefined) classes = checked(wanted);
  else {
    const found = new Set(own.filter((name) => counts.get(name)).map(nameOf));
    const emotions: readonly string[] = EMOTIONS;
    classes = [...found].every((name) => emotions.includes(name)) ? EMOTIONS : inClassOrder(found);
  }
  if (keep !== undefined) {
    const kept = checked(keep).map(nameOf);
    const gone = kept.filter((name) => !own.some((each) => nameOf(each) === name));
    if (gone.length > 0) throw absent(place, gone, own);
    classes = wanted === undefined ? inClassOrder(kept) : classes.filter((name) => kept.includes(nameOf(name)));
  }

  const index = new Map<string, number>();
  for (const name of own) {
    const exact = joined.has(common(name)) ? -1 : classes.indexOf(name);
    index.set(name, exact >= 0 ? exact : classes.findIndex((each) => nameOf(each) === nameOf(name)));
  }
  const renamed = own.filter((name) => index.get(name) !== -1 && classes[index.get(name)!] !== name);
  if (renamed.length > 0)
    onNote(`classes: ${renamed.map((name) => `${name} → ${classes[index.get(name)!]}`).join(', ')}`);
  const left = own.filter((name) => index.get(name) === -1 && counts.get(name));
  if (keep !== undefined && left.length > 0) {
    onNote(`left out: ${left.map((name) => `${counts.get(name)!.toLocaleString('en')} of ${name}`).join(', ')}`);
  }
  return { classes, indexOf: (name) => index.get(name) ?? -1 };
}

const told = new Set<string>();

function tellOnce(line: string): void {
  if (told.has(line)) return;
  told.add(line);
  console.warn(`fer-dcnn: ${line}`);
}

function checked(names: readonly string[]): readonly string[] {
  checkClassNames(names);
  return [...names];
}

function absent(place: string, missing: readonly string[], own: readonly string[]): FerError {
  return new FerError('CLASSES', `${place} has no class ${missing.join(', ')}; it has ${own.join(', ')}`);
}
