/**
 * Tells a screen reader what changes, at a rate that one can listen to: at most once in a while, and then the newest.
 *
 * @param region - A live region that is visually hidden: `role="status"`.
 * @param every - Least ms from one text to the next.
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
    /** What changes often: one that comes too early waits, and a newer one takes its place. */
    later(text: string): void {
      clearTimeout(timer);
      const wait = last + every - performance.now();
      if (wait <= 0) write(text);
      else timer = setTimeout(() => write(text), wait);
    },
    /** What the user has just done. */
    now: write,
  };
}
