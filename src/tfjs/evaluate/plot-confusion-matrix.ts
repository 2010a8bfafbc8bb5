import { FerError } from '../../errors.js';
import { oneOf, optionsOf, readable } from '../../options.js';
import type { EvaluationReport } from './metrics.js';
import { pixels, VEGA_LITE, type VegaLiteSpec } from './vega-lite-spec.js';

export interface PlotConfusionMatrixOptions {
  /**
   * What the cells say: how many samples, or which share of the samples of their row.
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
 * Draws a confusion matrix: rows are the truth, columns what the model says, darker is more.
 *
 * @param report - What `evaluate` gives.
 * @returns A Vega-Lite specification with the counts in it.
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
        throw new FerError('DATA', 'plotConfusionMatrix: a report of evaluate() is needed');
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
          // How dark the cell is, 0..1: what the colour and the contrast of its text go by.
          const shade = cells === 'counts' ? count / most : share;
          return { truth: names[truth], said: names[said], count, share, shade };
        });
      });
      // Small cells have short numbers or none; names that would overlap are turned upright.
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
      // At the beginning of a matrix that is wider than a screen, where a reader begins.
      const begin = many && { titleAnchor: 'start' };
      return {
        $schema: VEGA_LITE,
        description: `Confusion matrix of ${names.length} classes, ${cells === 'counts' ? 'counts' : 'shares of each row'}`,
        width: size,
        height: size,
        data: { values },
        encoding: {
          // In the order of the values, which is that of the classes.
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

/** Letters of a name that are shown. */
const LONGEST_NAME = 24;

/** Of a longer name, the beginning and the end: names often differ at the end alone. */
const SHORTENED = `length(datum.label) > ${LONGEST_NAME} ? slice(datum.label, 0, 11) + '…' + slice(datum.label, -11) : datum.label`;

const checkOptions = optionsOf<PlotConfusionMatrixOptions>('plotConfusionMatrix', () => ({
  cells: oneOf('counts', 'shares'),
  size: pixels,
}));
