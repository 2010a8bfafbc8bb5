import { describe, expect, test } from 'vitest';
import { measure } from '../../../src/tfjs/evaluate/metrics.js';
import fc from '../../fast-check.js';

const names = ['a', 'b', 'c'];
/** Truth and prediction pairs, the prediction with probability 0.8. */
const pairs = (list: [number, number][]) => ({
  probabilities: Float32Array.from(list.flatMap(([, p]) => names.map((_, c) => (c === p ? 0.8 : 0.1)))),
  labels: Float32Array.from(list.flatMap(([t]) => names.map((_, c) => (c === t ? 1 : 0)))),
});

describe('measure', () => {
  test('agrees with figures calculated by hand', () => {
    // a: 3 right of 4, one taken for b; b: 1 right of 2, one taken for a; c: none of 1, taken for a.
    const { probabilities, labels } = pairs([
      [0, 0],
      [0, 0],
      [0, 0],
      [0, 1],
      [1, 1],
      [1, 0],
      [2, 0],
    ]);
    const report = measure(probabilities, labels, names);
    expect(report.confusionMatrix).toEqual([
      [3, 1, 0],
      [1, 1, 0],
      [1, 0, 0],
    ]);
    expect(report.normalizedConfusionMatrix).toEqual([
      [0.75, 0.25, 0],
      [0.5, 0.5, 0],
      [1, 0, 0],
    ]);
    expect(report.accuracy).toBeCloseTo(4 / 7, 12);
    expect(report.macroRecall).toBeCloseTo((3 / 4 + 1 / 2 + 0) / 3, 12);
    const [a, b, c] = report.classes;
    expect(a).toMatchObject({ className: 'a', precision: 3 / 5, recall: 3 / 4, specificity: 1 / 3, support: 4 });
    expect(a.f1).toBeCloseTo((2 * 0.6 * 0.75) / 1.35, 12);
    expect(b).toMatchObject({ precision: 1 / 2, recall: 1 / 2, specificity: 4 / 5, f1: 0.5, support: 2 });
    expect(c).toMatchObject({ precision: 0, recall: 0, specificity: 1, f1: 0, support: 1 });
    expect(report.loss).toBeCloseTo((-4 * Math.log(0.8) - 3 * Math.log(0.1)) / 7, 6);
    // One bin: confidence 0.8, accuracy 4/7.
    expect(report.expectedCalibrationError).toBeCloseTo(0.8 - 4 / 7, 6);
    expect(report.calibration).toHaveLength(15);
  });

  test('a class that never occurs does not change the macro figures', () => {
    const { probabilities, labels } = pairs([
      [0, 0],
      [1, 1],
    ]);
    expect(measure(probabilities, labels, names)).toMatchObject({ macroRecall: 1, macroF1: 1, accuracy: 1 });
  });

  test('a confidence on the edge of two bins belongs to the lower, and 1 to the last', () => {
    const report = measure(Float32Array.of(1, 0, 0), Float32Array.of(1, 0, 0), names);
    expect(report.calibration[14]).toMatchObject({ count: 1, confidence: 1, accuracy: 1 });
    expect(report.expectedCalibrationError).toBe(0);
  });

  test.each([
    // Of fifteen bins: over 5/15 up to 6/15, over 7/15 up to 8/15, and so on.
    [0.34, 5],
    [0.5, 7],
    [0.666, 9],
    [0.667, 10],
    [0.93, 13],
    [0.94, 14],
  ])('a confidence of %d is counted in bin %i, which says from where to where it goes', (confidence, bin) => {
    const rest = (1 - confidence) / 2;
    const { calibration } = measure(Float32Array.of(rest, confidence, rest), Float32Array.of(1, 0, 0), names);
    expect(calibration.map(({ count }) => count)).toEqual(Array.from({ length: 15 }, (_, i) => Number(i === bin)));
    const { low, high, accuracy } = calibration[bin];
    expect([low, high, accuracy]).toEqual([bin / 15, (bin + 1) / 15, 0]);
    expect(calibration[bin].confidence).toBeCloseTo(confidence, 6);
  });

  test('the first of equal values counts, in predictions and in labels', () => {
    const { confusionMatrix } = measure(Float32Array.of(0.2, 0.4, 0.4), Float32Array.of(0.5, 0, 0.5), names);
    expect(confusionMatrix).toEqual([
      [0, 1, 0],
      [0, 0, 0],
      [0, 0, 0],
    ]);
  });

  test('counts, shares and bounds hold for any predictions', () => {
    const row = fc.tuple(
      fc.nat(2),
      fc.array(fc.float({ min: Math.fround(1e-3), max: 1, noNaN: true }), { minLength: 3, maxLength: 3 }),
    );
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 50 }), (rows) => {
        const probabilities = Float32Array.from(
          rows.flatMap(([, p]) => p.map((value) => value / (p[0] + p[1] + p[2]))),
        );
        const labels = Float32Array.from(rows.flatMap(([truth]) => names.map((_, c) => (c === truth ? 1 : 0))));
        const report = measure(probabilities, labels, names);
        const cells = report.confusionMatrix.flat();
        expect(cells.reduce((a, b) => a + b)).toBe(rows.length);
        expect(report.calibration.reduce((sum, bin) => sum + bin.count, 0)).toBe(rows.length);
        expect(report.classes.reduce((sum, each) => sum + each.support, 0)).toBe(rows.length);
        for (const value of [report.accuracy, report.macroRecall, report.macroF1, report.expectedCalibrationError]) {
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(1 + 1e-6);
        }
        expect(report.loss).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
