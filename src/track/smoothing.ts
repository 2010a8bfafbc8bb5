/**
 * Exponential smoothing by time: a value counts for the time since the previous value, so the frame rate does not matter.
 *
 * With alpha = 1 - exp(-dt / span), sum = (1 - alpha) sum + alpha x, and weight likewise of ones, the smoothed value is
 * sum / weight: without this division, which is Adam's bias correction (Kingma and Ba 2015, section 3), the
 * first value would count far too much.
 *
 * @param length - Number of numbers in a value.
 * @param span - Time constant, ms: after a step, 63% of it is reached. 0 turns smoothing off.
 */
export class Smoothing {
  readonly #sums: Float64Array;
  readonly #span: number;
  #weight = 0;

  constructor(length: number, span: number) {
    this.#sums = new Float64Array(length);
    this.#span = span;
  }

  /**
   * Adds one more value.
   *
   * @param values - Shape [length].
   * @param elapsed - ms since the last one; ignored for the first value.
   */
  add(values: ArrayLike<number>, elapsed: number): void {
    const dt = this.#weight === 0 ? FIRST_FRAME : elapsed;
    const alpha = this.#span === 0 ? 1 : -Math.expm1(-dt / this.#span);
    for (let i = 0; i < this.#sums.length; i++) this.#sums[i] += alpha * (values[i] - this.#sums[i]);
    this.#weight += alpha * (1 - this.#weight);
  }

  /** The smoothed value, shape [length]. */
  value(): number[] {
    return Array.from(this.#sums, (sum) => sum / this.#weight);
  }
}

/** Time for which the first value counts, ms: one frame of a typical camera. */
const FIRST_FRAME = 1000 / 30;
