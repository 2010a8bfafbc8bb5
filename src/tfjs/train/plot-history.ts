import { describeInput } from '../../describe-input.js';
import { FerError } from '../../errors.js';
import { integer, optionsOf, readable } from '../../options.js';
import { pixels, VEGA_LITE, type VegaLiteSpec } from '../evaluate/vega-lite-spec.js';
import type { TrainHistory } from './train-history.js';

export interface PlotHistoryOptions {
  /** The epoch (from 1) whose weights were kept; a line marks it. */
  bestEpoch?: number;
  /**
   * Width of each of the two charts, in pixels.
   * @default 300
   */
  width?: number;
  /**
   * Height of each of the two charts, in pixels.
   * @default 220
   */
  height?: number;
}

/**
 * Draws loss and accuracy by epoch, for training and, if available, validation, side by side.
 *
 * The training figures are measured on augmented samples with dropout, so validation figures can be better.
 *
 * @param history - The history that `train` returns; lists of validation figures may be empty.
 * @returns A Vega-Lite specification that contains the figures.
 * @throws FerError `DATA` when the history has no epoch.
 * @example
 * const { history, best } = await train(model, faces, { validationData });
 * const spec = plotHistory(history, { bestEpoch: best.epoch });
 */
export function plotHistory(
  history: Pick<TrainHistory, 'loss' | 'accuracy'> & Partial<TrainHistory>,
  options: PlotHistoryOptions = {},
): VegaLiteSpec {
  checkOptions(options);
  return readable(
    'the history',
    () => {
      const { bestEpoch, width = 300, height = 220 } = options;
      if (!Array.isArray(history?.loss) || !Array.isArray(history.accuracy)) {
        throw new FerError('DATA', `plotHistory: expected the history of train(), got ${describeInput(history)}`);
      }
      if (history.loss.length === 0) throw new FerError('DATA', 'plotHistory: the history has no epoch');

      const validated = (history.valLoss?.length ?? 0) > 0;
      const series = validated ? ['training', 'validation'] : ['training'];
      const chart = (name: string, training: readonly number[], validation: readonly number[] = [], format = '') => ({
        width,
        height,
        data: { values: [...points('training', training), ...points('validation', validation)] },
        layer: [
          ...(bestEpoch === undefined
            ? []
            : [
                {
                  data: { values: [{ epoch: bestEpoch }] },
                  mark: { type: 'rule', strokeDash: [4, 4], tooltip: `best epoch: ${bestEpoch}` },
                  encoding: { x: { field: 'epoch', type: 'quantitative' } },
                },
              ]),
          {
            mark: { type: 'line', point: history.loss.length <= 60, tooltip: true },
            encoding: {
              x: {
                field: 'epoch',
                type: 'quantitative',
                title: bestEpoch === undefined ? 'epoch' : `epoch (kept: ${bestEpoch})`,
                // From the first epoch, in whole steps.
                scale: { domain: [1, Math.max(2, history.loss.length)], zero: false, nice: false },
                axis: { tickMinStep: 1, format: 'd', grid: false },
              },
              y: {
                field: 'value',
                type: 'quantitative',
                title: name,
                scale: { zero: false },
                axis: { format },
              },
              color: {
                field: 'set',
                type: 'nominal',
                title: null,
                scale: { domain: series },
                legend: { orient: 'top', symbolType: 'stroke' },
              },
              strokeDash: {
                field: 'set',
                type: 'nominal',
                scale: {
                  domain: series,
                  range: [
                    [1, 0],
                    [6, 3],
                  ],
                },
              },
            },
          },
        ],
      });

      return {
        $schema: VEGA_LITE,
        description: `Loss and accuracy over ${history.loss.length} epochs of training`,
        hconcat: [
          chart('loss', history.loss, history.valLoss),
          chart(
            'accuracy',
            history.accuracy,
            history.valAccuracy,
            percentFormat([...history.accuracy, ...(history.valAccuracy ?? [])]),
          ),
        ],
        spacing: 36,
      };
    },
    'DATA',
  );
}

/** The format of a percentage axis, with enough digits to make its labels differ. */
function percentFormat(shares: readonly number[]): string {
  const span = Math.max(...shares) - Math.min(...shares);
  const digits = span > 0 ? Math.ceil(-Math.log10(span / 10)) - 2 : 1;
  return `.${Math.min(4, Math.max(0, digits))}%`;
}

function points(set: string, values: readonly number[]) {
  return values.map((value, i) => ({ epoch: i + 1, set, value }));
}

const checkOptions = optionsOf<PlotHistoryOptions>('plotHistory', () => ({
  bestEpoch: integer(1),
  width: pixels,
  height: pixels,
}));
