import { describeInput } from '../../describe-input.js';
import { FerError } from '../../errors.js';
import { oneOf, optionsOf, readable } from '../../options.js';
import type { EvaluationReport } from './metrics.js';
import { pixels, VEGA_LITE, type VegaLiteSpec } from './vega-lite-spec.js';

export interface PlotConfusionMatrixOptions {
  /**
   * Content of the cells: the number of samples, or their share of the row.
   * @default 'counts'
   */
  cells?: 'counts' | 'shares';
  /**
   * Width and height of the matrix, in pixels.
   * @default 300
   */
  size?: number;
}

/**
 * Draws a confusion matrix: rows are true classes, columns are predicted classes, and darker cells have more samples.
 *
 * @param report - The report of `evaluate`.
 * @returns A Vega-Lite specification that contains the counts.
 * @throws FerError `DATA` when the matrix does not fit the classes, `OPTION`.
 * @example
 * const spec = plotConfusionMatrix(await evaluate(model, faces), { cells: 'shares' });
 */
export function plotConfusionMatrix(
  report: Pick<EvaluationReport, 'confusionMatrix'> & { classes: readonly { className: string }[] },
  options: PlotConfusionMatrixOptions = {},
): VegaLiteSpec {
  checkOptions(options);
  return readable(
    'the report',
    () => {
      const { cells = 'counts', size = 300 } = options;
      if (!Array.isArray(report?.classes) || !Array.isArray(report.confusionMatrix)) {
        throw new FerError(
          'DATA',
          `plotConfusionMatrix: expected a report of evaluate(), got ${describeInput(report)}`,
        );
      }
      const names = report.classes.map(({ className }) => className);
      const matrix = report.confusionMatrix;
      if (names.length === 0 || matrix.length !== names.length || matrix.some((row) => row.length !== names.length)) {
        throw new FerError('DATA', `plotConfusionMatrix: ${names.length} classes, a matrix of ${matrix.length} rows`);
      }

      const most = Math.max(1, ...matrix.flat());
      const values = matrix.flatMap((row, truth) => {
        const support = row.reduce((sum, count) => sum + count, 0);
        return row.map((count, said) => {
          const share = support === 0 ? 0 : count / support;
          // Darkness of the cell, 0..1: it determines the colour of the cell and of its text.
          const shade = cells === 'counts' ? count / most : share;
          return { truth: names[truth], said: names[said], count, share, shade };
        });
      });
      // Small cells have short numbers or no numbers; names that would overlap are rotated.
      const cell = size / names.length;
      const many = cell < 40;
      const longest = Math.min(LONGEST_NAME, Math.max(...names.map((name) => name.length)));
      const slanted = many || longest * 6.2 * names.length > size;
      const labels = {
        ...(slanted && {
          labelFontSize: Math.max(7, Math.min(12, Math.floor(cell) - 1)),
          labelLimit: 400,
          labelOverlap: false,
        }),
        ...(names.some((name) => name.length > LONGEST_NAME) && { labelExpr: SHORTENED, labelLimit: 400 }),
      };
      const axis = { ...labels, domain: false, ticks: false, grid: false };
      const digits = cells === 'counts' ? most.toLocaleString('en').length : many ? 3 : 6;
      const fontSize = Math.floor(Math.min(13, cell / 2.4, (1.6 * cell) / digits));
      const hidden = cells === 'counts' ? 'datum.count === 0' : 'datum.share < 0.005';
      const text = {
        ...(many && cells === 'shares' && { transform: [{ calculate: 'round(100 * datum.share)', as: 'percent' }] }),
        mark: { type: 'text', fontSize },
        encoding: {
          text:
            cells === 'counts'
              ? { field: 'count', type: 'quantitative', format: ',d' }
              : { field: many ? 'percent' : 'share', type: 'quantitative', format: many ? 'd' : '.1%' },
          color: { condition: { test: 'datum.shade > 0.5', value: 'white' } },
          ...(many && { opacity: { condition: { test: hidden, value: 0 }, value: 1 } }),
        },
      };
      // At the start of the axis, where it is visible even if the matrix is wider than the screen.
      const begin = many && { titleAnchor: 'start' };
      return {
        $schema: VEGA_LITE,
        description: `Confusion matrix of ${names.length} classes, ${cells === 'counts' ? 'counts' : 'shares of each row'}`,
        width: size,
        height: size,
        data: { values },
        encoding: {
          // In the order of the values, which is the order of the classes.
          x: {
            field: 'said',
            type: 'nominal',
            sort: null,
            title: 'model says',
            axis: { ...axis, ...begin, orient: 'top', labelAngle: slanted ? -90 : 0 },
          },
          y: {
            field: 'truth',
            type: 'nominal',
            sort: null,
            title: 'truth',
            axis: { ...axis, ...(many && { titleAnchor: 'end' }), labelAngle: 0 },
          },
        },
        layer: [
          {
            mark: { type: 'rect', cornerRadius: many ? 0 : 3, tooltip: { content: 'data' } },
            encoding: {
              color: {
                field: 'shade',
                type: 'quantitative',
                scale: { domain: [0, 1], range: 'heatmap' },
                legend: null,
              },
            },
          },
          ...(fontSize < 6 ? [] : [text]),
        ],
        config: { scale: { bandPaddingInner: 0.03 } },
      };
    },
    'DATA',
  );
}

/** Longest name that is shown in full. */
const LONGEST_NAME = 24;

/** Longer names are shown by their beginning and end, because names often differ only at the end. */
const SHORTENED = `length(datum.label) > ${LONGEST_NAME} ? slice(datum.label, 0, 11) + '…' + slice(datum.label, -11) : datum.label`;

const checkOptions = optionsOf<PlotConfusionMatrixOptions>('plotConfusionMatrix', () => ({
  cells: oneOf('counts', 'shares'),
  size: pixels,
}));
