import { FerError } from '../errors.js';

/**
 * Refuses outputs that are not probabilities, which a model without a final softmax gives.
 *
 * @param outputs - Shape [n, classes].
 * @throws FerError `NOT_FINITE` for NaN or infinity; `MODEL` for a row outside [0, 1] or one that does not sum to 1.
 * @example
 * checkProbabilities(await predictor.predict(inputs, n), 5);
 */
export function checkProbabilities(outputs: ArrayLike<number>, classes: number): void {
  for (let first = 0; first < outputs.length; first += classes) {
    let sum = 0;
    let fits = true;
    for (let i = first; i < first + classes; i++) {
      const share = outputs[i];
      sum += share;
      if (!(share >= -SLACK && share <= 1 + SLACK)) fits = false;
    }
    if (!Number.isFinite(sum)) {
      throw new FerError(
        'NOT_FINITE',
        `the model's outputs sum to ${sum}: its weights are damaged, or its training diverged`,
      );
    }
    if (!fits || Math.abs(sum - 1) > SLACK) {
      const row = Array.from({ length: classes }, (_, i) => Number(outputs[first + i].toPrecision(4)));
      throw new FerError(
        'MODEL',
        `the model's outputs are not probabilities of ${classes} classes: [${row.slice(0, 8).join(', ')}] sums to ` +
          `${Number(sum.toPrecision(4))}; end the model with a softmax over its classes`,
      );
    }
  }
}

/** The rounding of a softmax in half precision, as on some graphics cards. */
const SLACK = 0.01;
