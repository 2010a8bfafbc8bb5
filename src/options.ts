import { describeInput } from './describe-input.js';
import { FerError, type FerErrorCode } from './errors.js';

/** Throws if the value of the option is wrong. */
export type Rule = (value: unknown, name: string) => void;

/** One rule per option. */
export type Rules<Options> = { readonly [Name in keyof Required<Options>]: Rule };

/**
 * Makes a function that checks options: every given option must have a rule and fit it.
 *
 * @param owner - The function's name, as its users write it.
 * @param rulesOf - Called at the first check, so that nothing runs at import.
 * @param needed - Names of the required options.
 * @returns A function that throws FerError `OPTION`; the message names the option and its value, or suggests an option.
 * @example
 * const check = optionsOf<HistogramOptions>('histogram', () => ({ bins: integer(1) }));
 * check({ bin: 3 }); // OPTION: histogram has no option 'bin': did you mean 'bins'?
 */
/* @__NO_SIDE_EFFECTS__ */
export function optionsOf<Options extends object>(
  owner: string,
  rulesOf: () => Rules<Options>,
  ...needed: (keyof Options & string)[]
): (options: Options) => void {
  let known: Fields | undefined;
  return (options) => {
    // Made once, because it is used for every frame.
    known ??= {
      ...{ rules: rulesOf(), needed, prefix: '' },
      ...{ what: `the options of ${owner}`, hasNo: `${owner} has no option` },
    };
    if (options !== undefined || needed.length > 0) checkFields(options === undefined ? {} : options, known);
  };
}

/** An object whose fields have rules: `patience` of `earlyStopping` is named `earlyStopping.patience`. */
/* @__NO_SIDE_EFFECTS__ */
export function fields<Fields extends object>(rules: Rules<Fields>, ...needed: (keyof Fields & string)[]): Rule {
  return (value, name) => {
    checkFields(value, { rules, needed, what: name, hasNo: `${name} has no field`, prefix: `${name}.` });
  };
}

/**
 * A rule.
 *
 * @param wanted - What a value must be, for the message: `topk must be <wanted>, got 0`.
 */
/* @__NO_SIDE_EFFECTS__ */
export function rule(wanted: string, fits: (value: never) => boolean): Rule {
  return (value, name) => {
    if (!attempt(() => fits(value as never))) {
      throw new FerError('OPTION', `${name} must be ${wanted}, got ${shown(value)}`);
    }
  };
}

/** A number that fits. NaN never fits if `fits` compares. */
/* @__NO_SIDE_EFFECTS__ */
export function number(wanted: string, fits: (value: number) => boolean): Rule {
  return rule(wanted, (value: unknown) => typeof value === 'number' && fits(value));
}

/** A whole number. */
/* @__NO_SIDE_EFFECTS__ */
export function integer(least: number, most: number = Number.MAX_SAFE_INTEGER): Rule {
  const range = most === Number.MAX_SAFE_INTEGER ? `of ${least} or more` : `from ${least} to ${most}`;
  return number(`an integer ${range}`, (value) => Number.isSafeInteger(value) && value >= least && value <= most);
}

/** One of some words, or other plain values. */
/* @__NO_SIDE_EFFECTS__ */
export function oneOf(...values: readonly (string | number)[]): Rule {
  const words = values.map((value) => (typeof value === 'string' ? `'${value}'` : String(value)));
  const last = words.length > 1 ? ` or ${words.pop()}` : '';
  return rule(`${words.join(', ')}${last}`, (value: string) => values.includes(value));
}

/** A value that fits one of two rules. The message is the second's if the value is an object, otherwise the first's. */
/* @__NO_SIDE_EFFECTS__ */
export function either(first: Rule, second: Rule): Rule {
  return (value, name) => {
    const plain = typeof value !== 'object' && typeof value !== 'function';
    const [asked, other] = plain ? [first, second] : [second, first];
    if (passes(other, value)) return;
    asked(value, name);
  };
}

/** A list whose members fit. */
/* @__NO_SIDE_EFFECTS__ */
export function listOf(member: Rule, wanted: string): Rule {
  const list = rule(wanted, Array.isArray);
  return (value, name) => {
    list(value, name);
    (value as unknown[]).forEach((each, i) => {
      member(each, `${name}[${i}]`);
    });
  };
}

/** An object with some methods, such as a detector. */
/* @__NO_SIDE_EFFECTS__ */
export function having(wanted: string, ...methods: readonly string[]): Rule {
  const isObject = (value: unknown) => (typeof value === 'object' && value !== null) || typeof value === 'function';
  return rule(
    wanted,
    (value: Record<string, unknown>) =>
      isObject(value) && methods.every((method) => typeof value[method] === 'function'),
  );
}

export const boolean: Rule = rule('true or false', (value: unknown) => typeof value === 'boolean');

export const text: Rule = rule('a string', (value: unknown) => typeof value === 'string' && value !== '');

export const callback: Rule = rule('a function', (value: unknown) => typeof value === 'function');

/** Checked by its members, because a signal of another window is not an instance of this one's class. */
export const signal: Rule = rule(
  'an AbortSignal',
  (value: AbortSignal) => typeof value.aborted === 'boolean' && typeof value.addEventListener === 'function',
);

/** Checked where it is used. */
export const anything: Rule = () => {};

/** A value in a message; strings in quotes, as in code. */
function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value.slice(0, 200)}'`;
  if (attempt(() => Array.isArray(value)))
    return attempt(() => (value as unknown[]).slice(0, 8).join(', ')) || 'an empty list';
  return describeInput(value);
}

interface Fields {
  rules: Readonly<Record<string, Rule>>;
  needed: readonly string[];
  /** The object's name, and the message for an unknown field. */
  what: string;
  hasNo: string;
  prefix: string;
}

function checkFields(given: unknown, { rules, needed, what, hasNo, prefix }: Fields): void {
  const isPlain = () => typeof given === 'object' && !Array.isArray(given) && !isPromise(given);
  const keys = attempt(() => isPlain() && Object.keys(given as object));
  if (!keys) throw new FerError('OPTION', `${what} must be an object, got ${shown(given)}`);
  for (const name of keys) {
    if (Object.hasOwn(rules, name) || read(given, name, prefix) === undefined) continue;
    throw new FerError('OPTION', `${hasNo} '${name}': ${nameAdvice(name, Object.keys(rules))}`);
  }
  for (const name in rules) {
    const value = read(given, name, prefix);
    if (value !== undefined || needed.includes(name)) readable(prefix + name, () => rules[name](value, prefix + name));
  }
}

function read(given: unknown, name: string, prefix: string): unknown {
  return readable(prefix + name, () => (given as Record<string, unknown>)[name]);
}

/**
 * Reads a value of the caller, whose getters and proxies may throw anything.
 *
 * @param code - Code of the FerError that replaces any other error.
 */
export function readable<Result>(name: string, work: () => Result, code: FerErrorCode = 'OPTION'): Result {
  try {
    return work();
  } catch (cause) {
    if (FerError.is(cause)) throw cause;
    throw new FerError(code, `${name} cannot be read`, { cause });
  }
}

function passes(check: Rule, value: unknown): boolean {
  return attempt(() => {
    check(value, '');
    return true;
  });
}

/** An error caused by a hostile value counts as no. */
function attempt<T>(work: () => T): T | false {
  try {
    return work();
  } catch {
    return false;
  }
}

function isPromise(value: unknown): boolean {
  return typeof (value as Partial<Promise<unknown>> | null)?.then === 'function';
}

/** What to do about an unknown name: take the closest known one, or one of those listed. */
export function nameAdvice(name: string, names: readonly string[], listed = names): string {
  const meant = nearest(name, names);
  return meant ? `did you mean '${meant}'?` : `use ${listed.join(', ')}`;
}

/** The closest known name: equal except for case and separators, or with at most two different letters. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  const plain = (word: string) => word.toLowerCase().replace(/[^a-z]/g, '');
  const wanted = plain(name.slice(0, 50));
  const near = (other: string) => {
    const distance = distanceOf(wanted, plain(other));
    return distance <= 2 && distance < other.length / 2;
  };
  return names.find((other) => plain(other) === wanted) ?? names.find(near);
}

/** Number of letters to insert, delete or replace (Levenshtein, 1966). */
function distanceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + Number(a[i - 1] !== b[j - 1]));
    }
    row = next;
  }
  return row[b.length];
}
