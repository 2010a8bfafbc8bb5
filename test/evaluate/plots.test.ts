import { describe, expect, test } from 'vitest';
import { measure } from '../../src/evaluate/metrics.js';
import { plotCalibration } from '../../src/evaluate/plot-calibration.js';
import { plotConfusionMatrix } from '../../src/evaluate/plot-confusion-matrix.js';
import { plotHistory } from '../../src/evaluate/plot-history.js';

const history = {
  loss: [1.5, 1.2, 1.1],
  accuracy: [0.3, 0.4, 0.5],
  learningRate: [1e-3, 1e-3, 1e-3],
  valLoss: [1.4, 1.2, 1.15],
  valAccuracy: [0.35, 0.45, 0.48],
  valMacroRecall: [0.3, 0.4, 0.4],
};
// Truths a, a, a, b; said a, a, b, b; each with probability 0.8.
const report = measure(
  Float32Array.from([0.8, 0.2, 0.8, 0.2, 0.2, 0.8, 0.2, 0.8]),
  Float32Array.from([1, 0, 1, 0, 1, 0, 0, 1]),
  ['a', 'b'],
);

/** All `values` in a specification, whatever level they lie on. */
function dataOf(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = (value as { data?: { values?: unknown[] } }).data?.values ?? [];
  return [...own, ...Object.values(value).flatMap(dataOf)];
}

describe('plotHistory', () => {
  test('holds each figure of each epoch, of training and of validation', () => {
    const data = dataOf(plotHistory(history));
    expect(data).toHaveLength(12);
    expect(data).toContainEqual({ epoch: 2, set: 'training', value: 1.2 });
    expect(data).toContainEqual({ epoch: 3, set: 'validation', value: 0.48 });
  });

  test('leaves validation out where there is none, and marks the epoch that was kept', () => {
    const data = dataOf(plotHistory({ ...history, valLoss: [], valAccuracy: [] }, { bestEpoch: 2 }));
    expect(data).toHaveLength(6 + 2);
    expect(data.filter((point) => JSON.stringify(point) === '{"epoch":2}')).toHaveLength(2);
  });

  test('a history without an epoch is refused', () => {
    expect(() => plotHistory({ loss: [], accuracy: [] })).toThrow(expect.objectContaining({ code: 'DATA' }));
  });
});

describe('plotConfusionMatrix', () => {
  test('holds counts and shares of rows, by the names of the classes', () => {
    const data = dataOf(plotConfusionMatrix(report)) as { truth: string; said: string; count: number; share: number }[];
    expect(data.map(({ truth, said, count }) => [truth, said, count])).toEqual([
      ['a', 'a', 2],
      ['a', 'b', 1],
      ['b', 'a', 0],
      ['b', 'b', 1],
    ]);
    expect(data.map(({ share }) => share)).toEqual([2 / 3, 1 / 3, 0, 1]);
  });

  test('a class without a sample has shares of 0, not NaN', () => {
    const data = dataOf(
      plotConfusionMatrix({
        confusionMatrix: [
          [0, 0],
          [0, 4],
        ],
        classes: report.classes,
      }),
    ) as {
      share: number;
    }[];
    expect(data.map(({ share }) => share)).toEqual([0, 0, 0, 1]);
  });

  test('a matrix of another size than the classes, and unknown cells, are refused', () => {
    expect(() => plotConfusionMatrix({ confusionMatrix: [[1]], classes: report.classes })).toThrow(
      expect.objectContaining({ code: 'DATA' }),
    );
    expect(() => plotConfusionMatrix(report, { cells: 'percent' as 'shares' })).toThrow(
      expect.objectContaining({ code: 'OPTION' }),
    );
  });
});

describe('plotCalibration', () => {
  test('holds the bins that have samples', () => {
    // All four are said with 0.8, so they lie in one bin, and three of them are right.
    const bins = plotCalibration(report).data as { values: { count: number; accuracy: number; confidence: number }[] };
    expect(bins.values).toHaveLength(1);
    expect(bins.values[0]).toMatchObject({ count: 4, accuracy: 0.75 });
    expect(bins.values[0].confidence).toBeCloseTo(0.8, 6);
  });

  test('a report without a sample is refused', () => {
    const empty = measure(new Float32Array(0), new Float32Array(0), ['a', 'b']);
    expect(() => plotCalibration(empty)).toThrow(expect.objectContaining({ code: 'DATA' }));
  });
});
