import { FerError } from '../errors.js';

/**
 * Waits for work, with a time limit.
 *
 * @param name - Name of the image in the message.
 * @param onLate - Receives the late result of the work, when nobody waits for it.
 * @throws FerError `TIMEOUT`; and the errors of the work in time.
 */
export async function withinTime<Value>(
  work: Promise<Value>,
  maxMilliseconds: number,
  name: string,
  onLate: (value: Value) => void = () => {},
): Promise<Value> {
  if (maxMilliseconds === Number.POSITIVE_INFINITY) return work;
  const begin = performance.now();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeUp = new Promise<never>((_, reject) => {
    const late = () => {
      work.then(onLate, () => {});
      reject(timeoutOf(name, maxMilliseconds));
    };
    timer = setTimeout(late, Math.min(maxMilliseconds, LONGEST_TIMER));
  });
  try {
    const value = await Promise.race([work, timeUp]);
    // Work that blocks the thread ends before the timer can fire.
    if (performance.now() - begin <= maxMilliseconds) return value;
    onLate(value);
    throw timeoutOf(name, maxMilliseconds);
  } finally {
    clearTimeout(timer);
  }
}

/** The error after `maxMilliseconds`. */
export function timeoutOf(name: string, maxMilliseconds: number, cause?: unknown): FerError {
  const message = `${name} took longer to decode than ${maxMilliseconds} ms; maxMilliseconds raises the limit`;
  return new FerError('TIMEOUT', message, { cause });
}

/** Timers of more milliseconds than fit in 31 bits fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1;
