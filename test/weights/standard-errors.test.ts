import { describe, expect, test } from 'vitest';
import { standardErrors } from '../../weights/standard-errors.js';

/** 400 faces of one class with 80% right, 100 of another with 60% right; one bin, as sure as it is right. */
const REPORT = {
  confusionMatrix: [
    [320, 80],
    [40, 60],
  ],
  calibration: [{ low: 0, high: 1, count: 500, confidence: 0.76, accuracy: 0.76 }],
};

describe('standardErrors', () => {
  test('gives the same as the binomial formulas', () => {
    const { accuracy, macroRecall } = standardErrors(REPORT);
    // Each recall is a share of its own class, and their mean halves the error of the sum.
    const byHand = Math.sqrt((0.8 * 0.2) / 400 + (0.6 * 0.4) / 100) / 2;
    expect(Math.abs(macroRecall / byHand - 1)).toBeLessThan(0.1);
    expect(Math.abs(accuracy / Math.sqrt((0.76 * 0.24) / 500) - 1)).toBeLessThan(0.1);
  });

  test('of the calibration error of a calibrated bin is that of a half-normal distribution', () => {
    // |normal| has a standard deviation of sqrt(1 - 2/pi) times that of the normal number.
    const byHand = Math.sqrt((0.76 * 0.24) / 500) * Math.sqrt(1 - 2 / Math.PI);
    expect(Math.abs(standardErrors(REPORT).expectedCalibrationError / byHand - 1)).toBeLessThan(0.1);
  });

  test('is the same each time, and 0 where every face is right', () => {
    expect(standardErrors(REPORT)).toEqual(standardErrors(REPORT));
    const perfect = {
      confusionMatrix: [
        [9, 0],
        [0, 9],
      ],
      calibration: [{ low: 0, high: 1, count: 18, confidence: 1, accuracy: 1 }],
    };
    expect(standardErrors(perfect)).toEqual({ accuracy: 0, macroRecall: 0, expectedCalibrationError: 0 });
  });
});
