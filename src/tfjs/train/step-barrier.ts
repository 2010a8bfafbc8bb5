/** A reusable barrier: threads wait here until all have arrived. */
export class StepBarrier {
  readonly #arrivals: Int32Array;
  readonly #threads: number;
  #rounds = 0;

  /** @param arrivals - One number in memory that all threads share, 0 at first. */
  constructor(arrivals: Int32Array, threads: number) {
    this.#arrivals = arrivals;
    this.#threads = threads;
  }

  /** Marks this thread as arrived. It may do other work before it waits, but must not arrive again. */
  arrive(): void {
    this.#rounds++;
    if (((Atomics.add(this.#arrivals, 0, 1) + 1) | 0) === this.#wanted) Atomics.notify(this.#arrivals, 0);
  }

  /**
   * Blocks the thread until all have arrived.
   *
   * @param milliseconds - The longest wait.
   * @returns Whether all have arrived.
   */
  wait(milliseconds = Number.POSITIVE_INFINITY): boolean {
    for (;;) {
      const seen = Atomics.load(this.#arrivals, 0);
      // Modulo 2^32, so that the count may overflow.
      if (((seen - this.#wanted) | 0) >= 0) return true;
      if (Atomics.wait(this.#arrivals, 0, seen, milliseconds) === 'timed-out') return false;
    }
  }

  get #wanted(): number {
    return Math.imul(this.#rounds, this.#threads);
  }
}
