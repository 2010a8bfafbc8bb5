/**
 * Exponential smoothing that knows time: a value counts for the span since the one before it, whatever the frame rate.
 *
 * With alpha = 1 - exp(-dt / span), sum = (1 - alpha) sum + alpha x, and weight likewise of ones, the smoothed value is
 * sum / weight: without that division, which is Adam's correction (Kingma and Ba 2015, section 3), the first value
 * would count for far more than its share.
 *
 * @param length - How many numbers a value has.
 * @param span - Time constant, ms: after a step, 63% of it are reached. 0 smooths nothing.
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
   * Takes one more value.
   *
   * @param values - Shape [length].
   * @param elapsed - ms since the last one; what is given for the first is not used.
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

/** What the first value counts for, ms: a frame at the rate of most cameras. */
const FIRST_FRAME = 1000 / 30;
