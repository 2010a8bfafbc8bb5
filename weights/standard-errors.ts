import type { EvaluationReport } from '../src/index.js';
import { randomStream } from '../src/tfjs/train/random.js';

/** How much each figure would typically change with other faces of the same kind. */
export interface StandardErrors {
  accuracy: number;
  macroRecall: number;
  expectedCalibrationError: number;
}

const RESAMPLES = 1000;

/**
 * Standard errors by bootstrap: the standard deviation of each figure over 1000 sets of as many faces, drawn with
 * replacement from the measured ones. The same report always gives the same errors.
 *
 * @see Efron, "Bootstrap Methods: Another Look at the Jackknife", 1979
 */
export function standardErrors(report: Pick<EvaluationReport, 'confusionMatrix' | 'calibration'>): StandardErrors {
  const { confusionMatrix, calibration } = report;
  const answers = confusionMatrix.flatMap((row, truth) =>
    row.flatMap((count, said) => new Array<Answer>(count).fill({ truth, right: truth === said })),
  );
  const binned = calibration.flatMap(({ count, confidence, accuracy }, bin) =>
    Array.from({ length: count }, (_, i) => ({ bin, gap: confidence - Number(i < Math.round(accuracy * count)) })),
  );
  return {
    accuracy: deviation(resamples(answers, 1).map(accuracyOf)),
    macroRecall: deviation(resamples(answers, 2).map((drawn) => macroRecallOf(drawn, confusionMatrix.length))),
    expectedCalibrationError: deviation(
      resamples(binned, 3).map((drawn) => calibrationErrorOf(drawn, calibration.length)),
    ),
  };
}

interface Answer {
  truth: number;
  right: boolean;
}

function resamples<T>(items: readonly T[], purpose: number): T[][] {
  return Array.from({ length: RESAMPLES }, (_, resample) => {
    const random = randomStream(23, purpose, resample);
    return items.map(() => items[Math.floor(random() * items.length)]);
  });
}

function accuracyOf(answers: readonly Answer[]): number {
  return answers.filter(({ right }) => right).length / answers.length;
}

function macroRecallOf(answers: readonly Answer[], classes: number): number {
  const right = new Array<number>(classes).fill(0);
  const faces = new Array<number>(classes).fill(0);
  for (const answer of answers) {
    faces[answer.truth]++;
    right[answer.truth] += Number(answer.right);
  }
  const recalls = right.map((count, c) => count / faces[c]).filter((recall) => !Number.isNaN(recall));
  return recalls.reduce((sum, recall) => sum + recall, 0) / recalls.length;
}

function calibrationErrorOf(faces: readonly { bin: number; gap: number }[], bins: number): number {
  const gaps = new Array<number>(bins).fill(0);
  for (const { bin, gap } of faces) gaps[bin] += gap;
  return gaps.reduce((sum, gap) => sum + Math.abs(gap), 0) / faces.length;
}

function deviation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}
