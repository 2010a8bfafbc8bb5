import { describe, expect, test } from 'vitest';
import { FerError } from '../src/errors.js';
import {
  anything,
  boolean,
  callback,
  either,
  fields,
  having,
  integer,
  listOf,
  number,
  oneOf,
  optionsOf,
  signal,
  text,
} from '../src/options.js';

interface Options {
  topk?: number;
  mode?: 'fast' | 'exact';
  patience?: { epochs: number; least?: number };
  store?: string | { save(): void };
  names?: string[];
  quiet?: boolean;
  onStep?: () => void;
  signal?: AbortSignal;
  anything?: unknown;
}

const check = optionsOf<Options>('demo', () => ({
  topk: integer(1, 5),
  mode: oneOf('fast', 'exact'),
  patience: fields({ epochs: integer(1), least: number('0 or more', (value) => value >= 0) }, 'epochs'),
  store: either(text, having('a folder, or an object with save()', 'save')),
  names: listOf(text, 'a list of names'),
  quiet: boolean,
  onStep: callback,
  signal,
  anything,
}));

const said = (options: unknown): string => {
  try {
    check(options as Options);
    return 'nothing';
  } catch (error) {
    return error instanceof FerError && error.code === 'OPTION' ? error.message : `not told as OPTION: ${error}`;
  }
};

const cyclic: Record<string, unknown> = {};
cyclic.self = cyclic;

describe('the check of options', () => {
  test.each<[string, unknown]>([
    ['none', undefined],
    ['no field', {}],
    ['undefined fields, known or not', { topk: undefined, other: undefined }],
    [
      'all of them',
      {
        ...{ topk: 5, mode: 'fast', patience: { epochs: 1 }, store: 'here', names: ['a'], quiet: false },
        ...{ onStep: () => {}, signal: new AbortController().signal, anything: null },
      },
    ],
    ['an object of another class', Object.assign(Object.create(null), { topk: 1 })],
    ['the other of two kinds', { store: { save() {} } }],
  ])('takes %s', (_, options) => {
    expect(said(options)).toBe('nothing');
  });

  test.each<[unknown, string]>([
    [null, 'the options of demo must be an object, got null'],
    [5, 'the options of demo must be an object, got 5'],
    [[{ topk: 1 }], 'the options of demo must be an object, got [object Object]'],
    [Promise.resolve({}), 'the options of demo must be an object, got a Promise (await is missing)'],
    [{ topK: 3 }, "demo has no option 'topK': did you mean 'topk'?"],
    [{ top_k: 3 }, "demo has no option 'top_k': did you mean 'topk'?"],
    [{ singal: 3 }, "demo has no option 'singal': did you mean 'signal'?"],
    [{ constructor: 3 }, expect.stringMatching(/^demo has no option 'constructor': use topk, mode, /) as never],
    [{ topk: 0 }, 'topk must be an integer from 1 to 5, got 0'],
    [{ topk: '3' }, "topk must be an integer from 1 to 5, got '3'"],
    [{ topk: Number.NaN }, 'topk must be an integer from 1 to 5, got NaN'],
    [{ topk: 2n }, 'topk must be an integer from 1 to 5, got a bigint'],
    [{ topk: null }, 'topk must be an integer from 1 to 5, got null'],
    [{ topk: Promise.resolve(3) }, 'topk must be an integer from 1 to 5, got a Promise (await is missing)'],
    [{ mode: 'Fast' }, "mode must be 'fast' or 'exact', got 'Fast'"],
    [{ mode: cyclic }, "mode must be 'fast' or 'exact', got an object with the keys self"],
    [{ patience: {} }, 'patience.epochs must be an integer of 1 or more, got undefined'],
    [{ patience: { epoch: 1 } }, "patience has no field 'epoch': did you mean 'epochs'?"],
    [{ patience: { epochs: 1, least: Number.NaN } }, 'patience.least must be 0 or more, got NaN'],
    [{ store: '' }, "store must be a string, got ''"],
    [{ store: {} }, 'store must be a folder, or an object with save(), got an object without keys'],
    [{ names: 'a' }, "names must be a list of names, got 'a'"],
    [{ names: ['a', 5] }, 'names[1] must be a string, got 5'],
    [{ quiet: 'yes' }, "quiet must be true or false, got 'yes'"],
    [{ onStep: 5 }, 'onStep must be a function, got 5'],
    [{ signal: {} }, 'signal must be an AbortSignal, got an object without keys'],
  ])('refuses %o', (options, message) => {
    expect(said(options)).toEqual(message);
  });

  test('refuses a field whose getter throws', () => {
    const throwing = Object.defineProperty({}, 'topk', {
      enumerable: true,
      get: () => {
        throw new TypeError('no');
      },
    });
    expect(said(throwing)).toBe('topk cannot be read');
  });

  test('cuts long values, and ends for a long name', () => {
    expect(said({ mode: 'x'.repeat(1e6) })).toHaveLength("mode must be 'fast' or 'exact', got ''".length + 200);
    expect(said({ ['x'.repeat(1e6)]: 1 }).length).toBeLessThan(2100);
  });
});
