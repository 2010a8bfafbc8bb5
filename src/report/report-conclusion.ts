import type { EvaluationReport } from '../tfjs/evaluate/metrics.js';
import type { TrainResult } from '../tfjs/train/train-history.js';
import { percent } from './percent.js';

/**
 * Describes the figures in sentences, limited to what was measured.
 *
 * @param training - The result of `train`, if the model was just trained.
 */
export function reportConclusion(evaluation: EvaluationReport, training?: TrainResult): string[] {
  const { count, accuracy, macroRecall, classes } = evaluation;
  const occurring = classes.filter(({ support }) => support > 0);
  if (occurring.length === 0) return [];

  const sentences: string[] = [];
  const largest = occurring.reduce((a, b) => (b.support > a.support ? b : a));
  sentences.push(
    `The model is right on ${percent(accuracy)} of ${count.toLocaleString('en')} images; always ` +
      `saying “${largest.className}” would be right on ${percent(largest.support / count)}. ` +
      `Averaged over the classes (macro recall), it is right on ${percent(macroRecall)}.`,
  );
  sentences.push(...strengths(evaluation), calibration(evaluation));
  const absent = classes.filter(({ support }) => support === 0).map(({ className }) => className);
  if (absent.length > 0)
    sentences.push(
      `The data has no image of ${absent.join(', ')}: nothing is known about ${absent.length === 1 ? 'it' : 'them'}.`,
    );
  const few = occurring.filter(({ support }) => support < 50);
  if (few.length > 0) {
    const named = few.length > MOST_NAMED ? few.slice(0, MOST_NAMED - 2) : few;
    const rest = few.length - named.length;
    const list =
      named.map(({ className, support }) => `${className} (${support})`).join(', ') +
      (rest > 0 ? ` and ${rest} others, see the table of classes` : '');
    sentences.push(`The figures of classes with few images are uncertain: ${list}.`);
  }
  if (training !== undefined) sentences.push(...course(training));
  return sentences;
}

/** More classes with few images are only counted. */
const MOST_NAMED = 8;

function strengths({ classes, normalizedConfusionMatrix }: EvaluationReport): string[] {
  const occurring = classes.filter(({ support }) => support > 0);
  if (occurring.length < 2) return [];
  const best = occurring.reduce((a, b) => (b.recall > a.recall ? b : a));
  const worst = occurring.reduce((a, b) => (b.recall < a.recall ? b : a));
  if (best === worst) return [];
  const row = normalizedConfusionMatrix[classes.indexOf(worst)].map((share, c) =>
    classes[c] === worst ? { share: -1, c } : { share, c },
  );
  const taken = row.reduce((a, b) => (b.share > a.share ? b : a));
  const mixed =
    taken.share > 0 ? `, which it calls ${classes[taken.c].className} in ${percent(taken.share)} of the cases` : '';
  return [
    `It recognises ${best.className} best (${percent(best.recall)} of them) and ${worst.className} worst ` +
      `(${percent(worst.recall)})${mixed}.`,
  ];
}

function calibration({ calibration: bins, count, accuracy, expectedCalibrationError }: EvaluationReport): string {
  const confidence = bins.reduce((sum, bin) => sum + bin.confidence * bin.count, 0) / count;
  const gap = confidence - accuracy;
  const error = `calibration error ${expectedCalibrationError.toFixed(3)}`;
  if (Math.abs(gap) < 0.02) return `The model is well calibrated (${error}).`;
  const how = gap > 0 ? 'too sure' : 'not sure enough';
  return (
    `The model is ${how}: its highest probability is ${percent(confidence)} on average, ` +
    `and it is right on ${percent(accuracy)} (${error}).`
  );
}

function course({ best, stoppedAt, history }: TrainResult): string[] {
  const sentences = [`Of ${stoppedAt} epochs, the weights of epoch ${best.epoch} were kept.`];
  if (history.valLoss.length === 0) {
    sentences.push('There was no validation data, so overfitting cannot be seen.');
  } else if (best.epoch === stoppedAt && stoppedAt > 1) {
    sentences.push('The last epoch was the best: more epochs may help.');
  }
  const last = history.valLoss.at(-1);
  const lowest = Math.min(...history.valLoss);
  if (last !== undefined && last > lowest * 1.1) {
    sentences.push('After that the validation loss rose again: the model began to overfit.');
  }
  return sentences;
}
