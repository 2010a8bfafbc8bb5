/**
 * Determines the emotion of a face without flicker: another emotion takes over when its probability has been ahead by
 * `hysteresis` for `minDuration` without a break. The first emotion needs no margin, only the duration.
 */
export class SteadyEmotion {
  readonly #hysteresis: number;
  readonly #minDuration: number;
  readonly #classes: readonly string[];
  #emotion: string | null = null;
  #lead: { emotion: string; since: number; lasted: number } | null = null;

  constructor(hysteresis: number, minDuration: number, classes: readonly string[]) {
    this.#classes = classes;
    this.#hysteresis = hysteresis;
    this.#minDuration = minDuration;
  }

  /** The emotion; null until one has lasted long enough. */
  get emotion(): string | null {
    return this.#emotion;
  }

  /**
   * Adds the probabilities of one more frame.
   *
   * @param probabilities - Shape [classes], smoothed.
   * @param time - ms.
   * @param elapsed - ms since the last frame; 0 if the face was not visible in that frame.
   * @returns Time when the new emotion came into the lead; null if the emotion did not change.
   */
  add(probabilities: readonly number[], time: number, elapsed: number): { since: number } | null {
    const best = probabilities.indexOf(Math.max(...probabilities));
    const leader = this.#classes[best];
    const held =
      this.#emotion === null ? Number.NEGATIVE_INFINITY : probabilities[this.#classes.indexOf(this.#emotion)];
    if (leader === this.#emotion || probabilities[best] < held + this.#hysteresis) {
      this.#lead = null;
      return null;
    }
    if (this.#lead?.emotion === leader) this.#lead.lasted += elapsed;
    else this.#lead = { emotion: leader, since: time, lasted: 0 };
    if (this.#lead.lasted < this.#minDuration) return null;

    const { since } = this.#lead;
    this.#emotion = leader;
    this.#lead = null;
    return { since };
  }
}
