/**
 * Announces changes to a screen reader at a comfortable rate: only the newest text, with a minimum interval.
 *
 * @param region - A live region that is visually hidden: `role="status"`.
 * @param every - Minimum ms between two texts.
 */
export function announcer(region: HTMLElement, every = 4000) {
  let last = Number.NEGATIVE_INFINITY;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const write = (text: string) => {
    clearTimeout(timer);
    timer = undefined;
    last = performance.now();
    if (region.textContent !== text) region.textContent = text;
  };

  return {
    /** For frequent changes: an early text waits, and a newer one replaces it. */
    later(text: string): void {
      clearTimeout(timer);
      const wait = last + every - performance.now();
      if (wait <= 0) write(text);
      else timer = setTimeout(() => write(text), wait);
    },
    /** For what the user has just done. */
    now: write,
  };
}
