import type { LayersModel } from '@tensorflow/tfjs-layers';
import { type EvaluationReport, evaluate } from '../src/index.js';
import type { ImageFolder } from '../src/node.js';
import { CORRUPTIONS, corrupted } from './corruptions.js';
import { type StandardErrors, standardErrors } from './standard-errors.js';

/** The figures of an evaluation that are kept beside the weights, rounded to the precision that a few thousand faces give. */
export function figuresOf(report: EvaluationReport) {
  return {
    count: report.count,
    accuracy: round(report.accuracy),
    macroRecall: round(report.macroRecall),
    macroF1: round(report.macroF1),
    loss: round(report.loss),
    expectedCalibrationError: round(report.expectedCalibrationError),
    standardErrors: roundedErrors(report),
    classes: Object.fromEntries(
      report.classes.map(({ className, precision, recall, specificity, f1, support }) => [
        className,
        { precision: round(precision), recall: round(recall), specificity: round(specificity), f1: round(f1), support },
      ]),
    ),
    confusionMatrix: report.confusionMatrix,
    calibration: report.calibration
      .filter(({ count }) => count > 0)
      .map(({ low, high, count, confidence, accuracy }) => ({
        bin: `${low.toFixed(2)}-${high.toFixed(2)}`,
        count,
        confidence: round(confidence),
        accuracy: round(accuracy),
      })),
  };
}

export type Figures = ReturnType<typeof figuresOf>;

/** The figures that are kept of an evaluation on another kind of faces. */
export function elsewhereFigures(report: EvaluationReport) {
  return {
    count: report.count,
    accuracy: round(report.accuracy),
    macroRecall: round(report.macroRecall),
    expectedCalibrationError: round(report.expectedCalibrationError),
    standardErrors: roundedErrors(report),
    recalls: Object.fromEntries(report.classes.map(({ className, recall }) => [className, round(recall)])),
  };
}

/** Accuracy and macro recall under each corruption, mild and strong, with the standard error of the macro recall. */
export type CorruptionFigures = Record<
  string,
  Record<'mild' | 'strong', { accuracy: number; macroRecall: number; standardError: number }>
>;

export async function corruptionFigures(model: LayersModel, faces: ImageFolder): Promise<CorruptionFigures> {
  const figures: CorruptionFigures = {};
  for (const corruption of CORRUPTIONS) {
    const under = async (strength: 'mild' | 'strong') => {
      const report = await evaluate(model, corrupted(faces, corruption, strength));
      const standardError = round(standardErrors(report).macroRecall);
      return { accuracy: round(report.accuracy), macroRecall: round(report.macroRecall), standardError };
    };
    figures[corruption.name] = { mild: await under('mild'), strong: await under('strong') };
  }
  return figures;
}

function roundedErrors(report: EvaluationReport): StandardErrors {
  const { accuracy, macroRecall, expectedCalibrationError } = standardErrors(report);
  return {
    accuracy: round(accuracy),
    macroRecall: round(macroRecall),
    expectedCalibrationError: round(expectedCalibrationError),
  };
}

function round(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
