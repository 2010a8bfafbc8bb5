import type { Metrics } from './card.js';

/** Each goal of the weights beside the measured figure: cells of the model card's table. */
export function goalRows(metrics: Metrics): string[][] {
  const { 'photos, `valid`': photos, 'web faces': web } = metrics.elsewhere;
  const atLeast = (name: string, goal: number, measured: number, error: number) => [
    `${name} at least ${points(goal, 0)}`,
    points(measured),
    points(error),
    met(measured >= goal),
  ];
  return [
    atLeast('FER+ `valid`: accuracy', 0.8, metrics.accuracy, metrics.standardErrors.accuracy),
    atLeast('FER+ `valid`: macro recall', 0.8, metrics.macroRecall, metrics.standardErrors.macroRecall),
    [
      'FER+ `valid`: calibration error at most 0.03',
      metrics.expectedCalibrationError.toFixed(3),
      metrics.standardErrors.expectedCalibrationError.toFixed(3),
      met(metrics.expectedCalibrationError <= 0.03),
    ],
    atLeast('photos, `valid`: macro recall', 0.7, photos.macroRecall, photos.standardErrors.macroRecall),
    atLeast('web faces: accuracy', 0.88, web.accuracy, web.standardErrors.accuracy),
    atLeast('web faces: macro recall', 0.88, web.macroRecall, web.standardErrors.macroRecall),
    ...corruptionRows(metrics),
  ];
}

const MOST_LOST = 0.08;

/** One row that counts the corruptions within the limit, and one row for each that loses too much. */
function corruptionRows({ macroRecall, corruptions }: Metrics): string[][] {
  const rows = Object.entries(corruptions).flatMap(([name, { mild, strong }]) => [
    { name: `${name}, mild`, ...mild },
    { name: `${name}, strong`, ...strong },
  ]);
  const failed = rows.filter((row) => macroRecall - row.macroRecall > MOST_LOST);
  const least = points(macroRecall - MOST_LOST);
  return [
    [
      `every corruption: macro recall at least ${least} (clean - 8 points)`,
      `${rows.length - failed.length} of ${rows.length}`,
      '',
      met(failed.length === 0),
    ],
    ...failed.map((row) => [row.name, points(row.macroRecall), points(row.standardError), met(false)]),
  ];
}

function met(reached: boolean): string {
  return reached ? 'yes' : '**no**';
}

function points(share: number, digits = 1): string {
  return `${(100 * share).toFixed(digits)}%`;
}
