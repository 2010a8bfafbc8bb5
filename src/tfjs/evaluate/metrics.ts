/** Figures of one class, one against the rest. A figure whose denominator is zero is 0. */
export interface ClassReport {
  className: string;
  /** tp / (tp + fp) */
  precision: number;
  /** tp / (tp + fn), also called sensitivity */
  recall: number;
  /** tn / (tn + fp) */
  specificity: number;
  /** 2 * precision * recall / (precision + recall) */
  f1: number;
  /** Number of samples whose true class this is. */
  support: number;
}

/** One bin of the reliability diagram: samples whose top probability lies in (low, high]. */
export interface CalibrationBin {
  low: number;
  high: number;
  count: number;
  /** Mean top probability of the bin's samples; 0 for an empty bin. */
  confidence: number;
  /** Accuracy on the bin's samples; 0 for an empty bin. */
  accuracy: number;
}

/** The report of `evaluate`. */
export interface EvaluationReport {
  /** Number of samples. */
  count: number;
  /** Mean categorical cross-entropy, in nats; probabilities are clipped to at least 1e-7. */
  loss: number;
  /** Share of samples whose most probable class is the true one. */
  accuracy: number;
  /** Mean recall over the classes that occur. */
  macroRecall: number;
  /** Mean F1 over the classes that occur. */
  macroF1: number;
  /** Expected calibration error, 15 equal bins of the top probability (Guo et al., 2017, equation 3). */
  expectedCalibrationError: number;
  /** Counts, row = true class, column = predicted class. */
  confusionMatrix: number[][];
  /** The same, each row divided by its sum; a row of a class that does not occur is all 0. */
  normalizedConfusionMatrix: number[][];
  classes: ClassReport[];
  calibration: CalibrationBin[];
}

/**
 * Compares predictions with labels.
 *
 * @param probabilities - Shape [n,classes] flattened, rows summing to 1.
 * @param labels - Shape [n,classes] flattened: one-hot or soft. The true class has the largest value; the first one in a tie.
 * @param classNames - Names of the classes; their count is the row length.
 */
export function measure(
  probabilities: Float32Array,
  labels: Float32Array,
  classNames: readonly string[],
): EvaluationReport {
  const size = classNames.length;
  const count = labels.length / size;
  const confusionMatrix = classNames.map(() => new Array<number>(size).fill(0));
  const bins = Array.from({ length: BINS }, () => ({ count: 0, confidence: 0, right: 0 }));
  let loss = 0;
  for (let sample = 0; sample < count; sample++) {
    const from = sample * size;
    const truth = indexOfLargest(labels, from, size);
    const predicted = indexOfLargest(probabilities, from, size);
    confusionMatrix[truth][predicted]++;
    for (let c = 0; c < size; c++) {
      if (labels[from + c] !== 0) loss -= labels[from + c] * Math.log(Math.max(probabilities[from + c], 1e-7));
    }
    const confidence = probabilities[from + predicted];
    const bin = bins[Math.min(BINS - 1, Math.max(0, Math.ceil(confidence * BINS) - 1))];
    bin.count++;
    bin.confidence += confidence;
    if (truth === predicted) bin.right++;
  }

  const classes = classNames.map((className, c) => classReport(className, c, confusionMatrix, count));
  const occurring = classes.filter((report) => report.support > 0);
  return {
    count,
    loss: ratio(loss, count),
    accuracy: ratio(sum(confusionMatrix.map((row, c) => row[c])), count),
    macroRecall: ratio(sum(occurring.map((report) => report.recall)), occurring.length),
    macroF1: ratio(sum(occurring.map((report) => report.f1)), occurring.length),
    expectedCalibrationError: ratio(sum(bins.map((bin) => Math.abs(bin.right - bin.confidence))), count),
    confusionMatrix,
    normalizedConfusionMatrix: confusionMatrix.map((row) => row.map((cell) => ratio(cell, sum(row)))),
    classes,
    calibration: bins.map((bin, i) => ({
      low: i / BINS,
      high: (i + 1) / BINS,
      count: bin.count,
      confidence: ratio(bin.confidence, bin.count),
      accuracy: ratio(bin.right, bin.count),
    })),
  };
}

/** Index of the largest of `size` values from `from`, relative to `from`; the first one in a tie. */
export function indexOfLargest(values: ArrayLike<number>, from: number, size: number): number {
  let best = 0;
  for (let i = 1; i < size; i++) if (values[from + i] > values[from + best]) best = i;
  return best;
}

const BINS = 15;

function classReport(className: string, c: number, matrix: number[][], count: number): ClassReport {
  const truePositives = matrix[c][c];
  const support = sum(matrix[c]);
  const predicted = sum(matrix.map((row) => row[c]));
  const precision = ratio(truePositives, predicted);
  const recall = ratio(truePositives, support);
  return {
    className,
    precision,
    recall,
    specificity: ratio(count - support - predicted + truePositives, count - support),
    f1: ratio(2 * precision * recall, precision + recall),
    support,
  };
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
