import { describe, expect, test } from 'vitest';
import { measure } from '../../../src/tfjs/evaluate/metrics.js';
import { plotCalibration } from '../../../src/tfjs/evaluate/plot-calibration.js';
import { plotConfusionMatrix } from '../../../src/tfjs/evaluate/plot-confusion-matrix.js';
import { plotHistory } from '../../../src/tfjs/train/plot-history.js';

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

/** All `values` in a specification, at any level. */
function dataOf(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = (value as { data?: { values?: unknown[] } }).data?.values ?? [];
  return [...own, ...Object.values(value).flatMap(dataOf)];
}

/** A chart of a specification, as far as these tests look into it. */
interface Chart {
  width: number;
  height: number;
  data: { values: object[] };
  layer: { data?: { values: object[] }; mark: object; encoding: Record<string, { title?: unknown; scale?: object }> }[];
  mark: object;
  encoding: Record<string, object>;
}
const percentages = { scale: { domain: [0, 1] }, axis: { format: '.0%' } };

describe('plotHistory', () => {
  test('holds each figure of each epoch, of training and of validation', () => {
    const data = dataOf(plotHistory(history));
    expect(data).toHaveLength(12);
    expect(data).toContainEqual({ epoch: 2, set: 'training', value: 1.2 });
    expect(data).toContainEqual({ epoch: 3, set: 'validation', value: 0.48 });
  });

  test('leaves out missing validation, and marks the kept epoch', () => {
    const data = dataOf(plotHistory({ ...history, valLoss: [], valAccuracy: [] }, { bestEpoch: 2 }));
    expect(data).toHaveLength(6 + 2);
    expect(data.filter((point) => JSON.stringify(point) === '{"epoch":2}')).toHaveLength(2);
  });

  test('a history without an epoch is refused', () => {
    expect(() => plotHistory({ loss: [], accuracy: [] })).toThrow(
      expect.objectContaining({ code: 'DATA', message: expect.stringContaining('the history has no epoch') }),
    );
  });

  test('shows loss and accuracy side by side, each by epoch, one colour and dash for each set', () => {
    const spec = plotHistory(history);
    expect(spec.description).toBe('Loss and accuracy over 3 epochs of training');
    const charts = spec.hconcat as Chart[];
    expect(charts.map(({ layer }) => layer.length)).toEqual([1, 1]);
    const [loss, accuracy] = charts.map(({ layer }) => layer[0].encoding);
    expect(loss.y).toMatchObject({ field: 'value', type: 'quantitative', title: 'loss', axis: { format: '' } });
    expect(accuracy.y).toMatchObject({
      field: 'value',
      type: 'quantitative',
      title: 'accuracy',
      axis: { format: '.0%' },
    });
    for (const { x, y, color, strokeDash } of [loss, accuracy]) {
      // From the first epoch to the last, in whole ones; the figures from where they start, not from 0.
      expect(x).toMatchObject({ field: 'epoch', title: 'epoch', axis: { tickMinStep: 1, format: 'd', grid: false } });
      expect(x.scale).toEqual({ domain: [1, 3], zero: false, nice: false });
      expect(y.scale).toEqual({ zero: false });
      expect(color).toMatchObject({ field: 'set', type: 'nominal', title: null, legend: { orient: 'top' } });
      expect(color.scale).toEqual({ domain: ['training', 'validation'] });
      expect(strokeDash).toMatchObject({
        field: 'set',
        type: 'nominal',
        scale: { domain: ['training', 'validation'] },
      });
    }
  });

  test('does not mention missing validation', () => {
    const sets = (given: Parameters<typeof plotHistory>[0]) =>
      (plotHistory(given).hconcat as Chart[]).map(({ layer }) => layer[0].encoding.color.scale);
    const { loss, accuracy } = history;
    for (const given of [
      { loss, accuracy },
      { loss, accuracy, valLoss: [], valAccuracy: [] },
    ]) {
      expect(sets(given)).toEqual([{ domain: ['training'] }, { domain: ['training'] }]);
    }
  });

  test('the line of the kept epoch shows its number, on the axis and when pointed at', () => {
    for (const { layer } of plotHistory(history, { bestEpoch: 2 }).hconcat as Chart[]) {
      const [rule, line] = layer;
      expect(rule).toMatchObject({
        data: { values: [{ epoch: 2 }] },
        mark: { type: 'rule', tooltip: 'best epoch: 2' },
      });
      expect(rule.encoding).toEqual({ x: { field: 'epoch', type: 'quantitative' } });
      expect(line.encoding.x.title).toBe('epoch (kept: 2)');
    }
  });

  test('each epoch has a point, unless there are too many to separate', () => {
    const marks = (epochs: number) => {
      const figures = new Array<number>(epochs).fill(0.5);
      return (plotHistory({ loss: figures, accuracy: figures }).hconcat as Chart[])[0].layer[0].mark;
    };
    expect(marks(60)).toEqual({ type: 'line', point: true, tooltip: true });
    expect(marks(61)).toEqual({ type: 'line', point: false, tooltip: true });
  });

  test('one epoch alone still has an axis of some length', () => {
    const [chart] = plotHistory({ loss: [1], accuracy: [0.5] }).hconcat as Chart[];
    expect(chart.layer[0].encoding.x.scale).toMatchObject({ domain: [1, 2] });
  });

  test('both charts have the requested size, 300 x 220 by default', () => {
    const sizes = (options?: Parameters<typeof plotHistory>[1]) =>
      (plotHistory(history, options).hconcat as Chart[]).map(({ width, height }) => [width, height]);
    expect(sizes()).toEqual([
      [300, 220],
      [300, 220],
    ]);
    expect(sizes({ width: 120, height: 80 })).toEqual([
      [120, 80],
      [120, 80],
    ]);
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
    for (const confusionMatrix of [
      [[1]],
      [[1, 0]],
      [[1, 0], [1]],
      [
        [1, 0],
        [0, 1],
        [0, 0],
      ],
    ]) {
      expect(() => plotConfusionMatrix({ confusionMatrix, classes: report.classes })).toThrow(
        expect.objectContaining({
          code: 'DATA',
          message: expect.stringContaining(`2 classes, a matrix of ${confusionMatrix.length} rows`),
        }),
      );
    }
    expect(() => plotConfusionMatrix({ confusionMatrix: [], classes: [] })).toThrow(
      expect.objectContaining({ code: 'DATA' }),
    );
    expect(() => plotConfusionMatrix(report, { cells: 'percent' as 'shares' })).toThrow(
      expect.objectContaining({
        code: 'OPTION',
        message: expect.stringContaining("cells must be 'counts' or 'shares', got 'percent'"),
      }),
    );
  });

  test('a cell is as dark as its part of the largest count, or of its row', () => {
    const shades = (cells: 'counts' | 'shares') =>
      (dataOf(plotConfusionMatrix(report, { cells })) as { shade: number }[]).map(({ shade }) => shade);
    // Rows 2 1 and 0 1.
    expect(shades('counts')).toEqual([1, 1 / 2, 0, 1 / 2]);
    expect(shades('shares')).toEqual([2 / 3, 1 / 3, 0, 1]);
  });

  test('a matrix of zeros has the lightest shade', () => {
    const none = { confusionMatrix: [[0]], classes: [{ className: 'a' }] };
    expect(dataOf(plotConfusionMatrix(none))).toEqual([{ truth: 'a', said: 'a', count: 0, share: 0, shade: 0 }]);
  });

  test('rows are the truth, columns the predictions, both in the order of the classes', () => {
    const classes = [{ className: 'z' }, { className: 'a' }];
    const { encoding } = plotConfusionMatrix({ ...report, classes }) as unknown as Chart;
    const axis = { labelAngle: 0, domain: false, ticks: false, grid: false };
    // The order of the values. Names in it would become an expression, which not every name survives.
    const sort = null;
    expect(encoding).toEqual({
      x: { field: 'said', type: 'nominal', sort, title: 'model says', axis: { ...axis, orient: 'top' } },
      y: { field: 'truth', type: 'nominal', sort, title: 'truth', axis },
    });
  });

  test('cells are coloured by their shade, and say their count or their share', () => {
    const counts = plotConfusionMatrix(report) as unknown as Chart;
    const shares = plotConfusionMatrix(report, { cells: 'shares' }) as unknown as Chart & { description: string };
    expect(counts).toMatchObject({ description: 'Confusion matrix of 2 classes, counts' });
    expect(shares.description).toBe('Confusion matrix of 2 classes, shares of each row');
    for (const { layer } of [counts, shares]) {
      expect(layer[0].mark).toMatchObject({ type: 'rect', tooltip: { content: 'data' } });
      expect(layer[0].encoding.color).toEqual({
        field: 'shade',
        type: 'quantitative',
        scale: { domain: [0, 1], range: 'heatmap' },
        legend: null,
      });
    }
    expect(counts.layer[1].encoding.text).toEqual({ field: 'count', type: 'quantitative', format: ',d' });
    expect(shares.layer[1].encoding.text).toEqual({ field: 'share', type: 'quantitative', format: '.1%' });
  });

  test('is as large as asked, 300 pixels unless asked', () => {
    expect(plotConfusionMatrix(report)).toMatchObject({ width: 300, height: 300 });
    expect(plotConfusionMatrix(report, { size: 90 })).toMatchObject({ width: 90, height: 90 });
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
    expect(() => plotCalibration(empty)).toThrow(
      expect.objectContaining({ code: 'DATA', message: expect.stringContaining('all bins are empty') }),
    );
  });

  test('says the calibration error where it is known', () => {
    // Said with 0.8 and right in 3 of 4: off by 0.05.
    const { calibration } = report;
    const known = plotCalibration(report);
    const unknown = plotCalibration({ calibration });
    const titleOf = ({ vconcat }: typeof known) => (vconcat as Chart[])[1].encoding.x;
    expect(known.description).toBe('Reliability diagram, expected calibration error 0.050');
    expect(titleOf(known)).toMatchObject({ title: 'top probability (calibration error 0.050)' });
    expect(unknown.description).toBe('Reliability diagram');
    expect(titleOf(unknown)).toMatchObject({ title: 'top probability' });
  });

  test('draws accuracy by confidence over a diagonal, both axes from 0% to 100%', () => {
    const [{ layer }] = plotCalibration(report).vconcat as Chart[];
    const [diagonal, model] = layer;
    expect(diagonal.data?.values).toEqual([
      { confidence: 0, accuracy: 0 },
      { confidence: 1, accuracy: 1 },
    ]);
    expect(diagonal.mark).toMatchObject({ type: 'line' });
    expect(diagonal.encoding.y.title).toBe('share right');
    expect(model).not.toHaveProperty('data');
    expect(model.mark).toMatchObject({ type: 'line', tooltip: { content: 'data' } });
    // A line runs in the order of confidence, whatever the order of the bins.
    expect(model.encoding.order).toEqual({ field: 'confidence', type: 'quantitative' });
    for (const { encoding } of layer) {
      expect(encoding.x).toMatchObject({ field: 'confidence', type: 'quantitative', title: null, ...percentages });
      expect(encoding.y).toMatchObject({ field: 'accuracy', type: 'quantitative', ...percentages });
    }
  });

  test('has a bar below for the samples of each bin', () => {
    const [, { mark, encoding }] = plotCalibration(report).vconcat as Chart[];
    expect(mark).toEqual({ type: 'bar', tooltip: { content: 'data' } });
    expect(encoding.x).toMatchObject({ field: 'low', type: 'quantitative', bin: { binned: true }, ...percentages });
    expect(encoding.x2).toEqual({ field: 'high' });
    expect(encoding.y).toMatchObject({ field: 'count', type: 'quantitative', title: 'samples' });
  });

  test('is as large as asked, 300 pixels unless asked, with a quarter of that below', () => {
    const sizes = (size?: number) =>
      (plotCalibration(report, { size }).vconcat as Chart[]).map(({ width, height }) => [width, height]);
    expect(sizes()).toEqual([
      [300, 300],
      [300, 75],
    ]);
    expect(sizes(90)).toEqual([
      [90, 90],
      [90, 23],
    ]);
  });
});
