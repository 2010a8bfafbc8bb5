import { describe, expect, test } from 'vitest';
import { checkProbabilities } from '../../src/network/check-probabilities.js';
import fc from '../fast-check.js';

const said = (outputs: number[], classes: number) => {
  try {
    checkProbabilities(outputs, classes);
    return 'taken';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe('the check of outputs', () => {
  test('accepts the output of a softmax, in any precision down to half', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.double({ min: -8, max: 8, noNaN: true }), { minLength: 5, maxLength: 5 })),
        (rows) => {
          const outputs = rows.flatMap((logits) => {
            const powers = logits.map(Math.exp);
            const sum = powers.reduce((total, power) => total + power);
            return powers.map((power) => Math.round((power / sum) * 2048) / 2048);
          });
          expect(said(outputs, 5)).toBe('taken');
        },
      ),
    );
  });

  test.each<[string, number[], string]>([
    ['logits', [2.1, -0.4, 0.3], 'MODEL'],
    ['logits that sum to 1', [1.8, -1.1, 0.3], 'MODEL'],
    ['sigmoids', [0.9, 0.8, 0.1], 'MODEL'],
    ['nothing at all', [0, 0, 0], 'MODEL'],
    ['NaN', [0.5, Number.NaN, 0.5], 'NOT_FINITE'],
    ['infinity', [0, 0, Number.POSITIVE_INFINITY], 'NOT_FINITE'],
  ])('refuses %s, in whichever row', (_, row, code) => {
    expect(said(row, 3)).toBe(code);
    expect(said([1, 0, 0, ...row], 3)).toBe(code);
  });
});
