import { describeInput } from '../../describe-input.js';
import { FerError } from '../../errors.js';
import { optionsOf, readable } from '../../options.js';
import type { EvaluationReport } from './metrics.js';
import { pixels, VEGA_LITE, type VegaLiteSpec } from './vega-lite-spec.js';

export interface PlotCalibrationOptions {
  /**
   * Width and height of the diagram, in pixels; below it is a histogram of a quarter of that height.
   * @default 300
   */
  size?: number;
}

/**
 * Draws a reliability diagram: accuracy by top probability. The curve of a calibrated model is the diagonal; a model whose
 * curve is below it is overconfident. A histogram below the diagram shows the number of samples by top probability.
 *
 * @param report - The report of `evaluate`.
 * @returns A Vega-Lite specification that contains the bins.
 * @throws FerError `DATA` when all bins are empty.
 * @see Guo et al., "On Calibration of Modern Neural Networks", 2017, figure 1
 * @example
 * const spec = plotCalibration(await evaluate(model, faces));
 */
export function plotCalibration(
  report: Pick<EvaluationReport, 'calibration'> & Partial<Pick<EvaluationReport, 'expectedCalibrationError'>>,
  options: PlotCalibrationOptions = {},
): VegaLiteSpec {
  checkOptions(options);
  return readable(
    'the report',
    () => {
      const { size = 300 } = options;
      if (!Array.isArray(report?.calibration))
        throw new FerError('DATA', `plotCalibration: expected a report of evaluate(), got ${describeInput(report)}`);
      const bins = report.calibration.filter((bin) => bin.count > 0);
      if (bins.length === 0) throw new FerError('DATA', 'plotCalibration: all bins are empty');

      const error = report.expectedCalibrationError;
      const x = (title: string | null) => ({
        field: 'confidence',
        type: 'quantitative',
        title,
        scale: { domain: [0, 1] },
        axis: { format: '.0%', tickCount: 5 },
      });
      const share = { type: 'quantitative', scale: { domain: [0, 1] }, axis: { format: '.0%', tickCount: 5 } };
      return {
        $schema: VEGA_LITE,
        description: `Reliability diagram${error === undefined ? '' : `, expected calibration error ${error.toFixed(3)}`}`,
        data: { values: bins },
        vconcat: [
          {
            width: size,
            height: size,
            layer: [
              {
                data: {
                  values: [
                    { confidence: 0, accuracy: 0 },
                    { confidence: 1, accuracy: 1 },
                  ],
                },
                mark: { type: 'line', strokeDash: [4, 4], strokeWidth: 1, style: 'rule' },
                encoding: { x: x(null), y: { ...share, field: 'accuracy', title: 'share right' } },
              },
              {
                mark: { type: 'line', point: { size: 45 }, tooltip: { content: 'data' } },
                encoding: {
                  x: x(null),
                  y: { ...share, field: 'accuracy' },
                  order: { field: 'confidence', type: 'quantitative' },
                },
              },
            ],
          },
          {
            width: size,
            height: Math.round(size / 4),
            mark: { type: 'bar', tooltip: { content: 'data' } },
            encoding: {
              x: {
                ...x(
                  error === undefined ? 'top probability' : `top probability (calibration error ${error.toFixed(3)})`,
                ),
                field: 'low',
                bin: { binned: true },
              },
              x2: { field: 'high' },
              y: { field: 'count', type: 'quantitative', title: 'samples', axis: { tickCount: 3 } },
            },
          },
        ],
        spacing: 12,
      };
    },
    'DATA',
  );
}

const checkOptions = optionsOf<PlotCalibrationOptions>('plotCalibration', () => ({ size: pixels }));
