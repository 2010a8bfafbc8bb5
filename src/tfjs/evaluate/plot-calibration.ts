import { FerError } from '../../errors.js';
import { optionsOf, readable } from '../../options.js';
import type { EvaluationReport } from './metrics.js';
import { pixels, VEGA_LITE, type VegaLiteSpec } from './vega-lite-spec.js';

export interface PlotCalibrationOptions {
  /**
   * Width and height of the diagram, in pixels; a histogram of a quarter of that height lies below it.
   * @default 300
   */
  size?: number;
}

/**
 * Draws a reliability diagram: how often the model is right, by how sure it is. A calibrated model lies on the diagonal;
 * below it, it is surer than it is right. Below, how many samples there are of each sureness.
 *
 * @param report - What `evaluate` gives.
 * @returns A Vega-Lite specification with the bins in it.
 * @throws FerError `DATA` when no bin holds a sample.
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
        throw new FerError('DATA', 'plotCalibration: a report of evaluate() is needed');
      const bins = report.calibration.filter((bin) => bin.count > 0);
      if (bins.length === 0) throw new FerError('DATA', 'plotCalibration: no bin holds a sample');

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
