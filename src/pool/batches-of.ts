import { checkIterable } from '../check-iterable.js';

/**
 * Gathers items into batches. A batch is yielded when it is full, when the source has ended, or when the source pauses for
 * 20 ms, so that early items do not wait for late ones.
 *
 * @param size - Largest number of items in a batch.
 * @param pauseMs - Length of the pause, ms.
 * @throws FerError `INPUT` for a value that cannot be iterated; errors of the source. Ending the iteration early closes the source.
 */
export async function* batchesOf<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  size: number,
  pauseMs = PAUSE_MS,
): AsyncGenerator<Item[], void, undefined> {
  checkIterable(items, 'items');
  if (Symbol.iterator in items) {
    let batch: Item[] = [];
    for (const item of items) {
      batch.push(item);
      if (batch.length < size) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
    return;
  }

  const source = items[Symbol.asyncIterator]();
  let coming: Promise<IteratorResult<Item>> | undefined;
  let ended = false;
  try {
    while (!ended) {
      const batch: Item[] = [];
      const pause = new Pause(pauseMs);
      try {
        while (batch.length < size) {
          coming ??= source.next();
          const next = await (batch.length === 0 ? coming : Promise.race([coming, pause.long]));
          if (next === LATE) break;
          coming = undefined;
          if (next.done) {
            ended = true;
            break;
          }
          batch.push(next.value);
          pause.begin();
        }
      } finally {
        pause.end();
      }
      if (batch.length > 0) yield batch;
    }
  } catch (error) {
    // A source that throws has ended.
    ended = true;
    throw error;
  } finally {
    if (!ended) await source.return?.();
  }
}

const PAUSE_MS = 20;

const LATE = Symbol('late');

/** Resolves when the source has been silent for a while. One timer per batch: one per item would cost more than the rest. */
class Pause {
  readonly long: Promise<typeof LATE>;
  #resolve!: (late: typeof LATE) => void;
  #timer: NodeJS.Timeout | undefined;

  readonly #ms: number;

  constructor(ms: number) {
    this.#ms = ms;
    this.long = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Marks the source as silent from now on. */
  begin(): void {
    if (this.#timer) this.#timer.refresh();
    else this.#timer = setTimeout(() => this.#resolve(LATE), this.#ms);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
