import { expect } from 'vitest';

/*
 * Long lists of numbers are compared number by number. Vitest compares half a million weights as half a million objects, which
 * takes seconds. Vitest loads this file before each file of tests.
 */
expect.addEqualityTesters([equalNumbers]);

/** Whether two long lists hold the same numbers (NaN is NaN, 0 is not -0); undefined leaves anything else to vitest. */
function equalNumbers(a: unknown, b: unknown): boolean | undefined {
  if (!isList(a) || !isList(b) || a.constructor !== b.constructor) return undefined;
  if (a.length < 1000 || a.length !== b.length) return undefined;
  for (let i = 0; i < a.length; i++) {
    if (typeof a[i] !== 'number' || typeof b[i] !== 'number') return undefined;
    if (!Object.is(a[i], b[i])) return false;
  }
  return true;
}

function isList(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
}
