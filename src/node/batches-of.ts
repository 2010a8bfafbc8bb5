/**
 * Gathers items into batches. A batch is given when it is full, when the source has ended, or when the source pauses for
 * 20 ms: what is there need not wait for what may come late.
 *
 * @param size - Most items of a batch.
 * @throws whatever the source throws. Ending the iteration early closes the source.
 */
export async function* batchesOf<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  size: number,
): AsyncGenerator<Item[], void, undefined> {
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
      while (batch.length < size) {
        coming ??= source.next();
        const next = await (batch.length === 0 ? coming : soon(coming));
        if (next === LATE) break;
        coming = undefined;
        if (next.done) {
          ended = true;
          break;
        }
        batch.push(next.value);
      }
      if (batch.length > 0) yield batch;
    }
  } catch (error) {
    // A source that throws has ended itself.
    ended = true;
    throw error;
  } finally {
    if (!ended) await source.return?.();
  }
}

// --- below this line: helpers of this file alone ---

const PAUSE_MS = 20;

const LATE = Symbol('late');

/** What the promise gives, or LATE. */
async function soon<Value>(promise: Promise<Value>): Promise<Value | typeof LATE> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<typeof LATE>((resolve) => {
    timer = setTimeout(() => resolve(LATE), PAUSE_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
