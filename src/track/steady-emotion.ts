/**
 * Decides which emotion a face shows, without flicker: another one takes over when its probability has been ahead by
 * `hysteresis` for `minDuration`, without a break. The first emotion has no margin to win, only the time to last.
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

  /** The emotion; null until one has lasted. */
  get emotion(): string | null {
    return this.#emotion;
  }

  /**
   * Takes the probabilities of one more frame.
   *
   * @param probabilities - Shape [classes], smoothed.
   * @param time - ms.
   * @param elapsed - ms since the last frame that count: 0 where the face was not seen in it.
   * @returns When the emotion that took over came into the lead; null when none took over.
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
