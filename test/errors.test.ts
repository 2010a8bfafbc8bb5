import { afterEach, describe, expect, test } from 'vitest';
import { FerError } from '../src/errors.js';

const { stackTraceLimit } = Error;
afterEach(() => {
  Error.stackTraceLimit = stackTraceLimit;
});

describe('FerError', () => {
  test('writes control characters and line separators out, and no other character', () => {
    // Without stack traces, which take most of the time of 65,536 errors.
    Error.stackTraceLimit = 0;
    for (let code = 0; code < 0x10000; code++) {
      const character = String.fromCharCode(code);
      const { message } = new FerError('INPUT', `a${character}b`);
      if (/[\p{Cc}\u2028\u2029]/u.test(character)) {
        expect(message).toMatch(/^a\\[ -~]+b$/);
        expect(JSON.parse(`"${message}"`)).toBe(`a${character}b`);
      } else if (message !== `a${character}b`) expect.fail(`U+${code.toString(16)} became ${message}`);
    }
    expect(new FerError('INPUT', '\u{1f600}').message).toBe('\u{1f600}');
  });
});
