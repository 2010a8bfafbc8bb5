/** The result of the work on one item, or the error that it threw. */
export type Settled<Item, Result> =
  | { item: Item; result: Result; error?: undefined }
  | { item: Item; result?: undefined; error: unknown };

/**
 * Does the same work on many items, a few at a time, and yields the results in the order of the items. An error is also a result.
 *
 * @param ahead - Number of items at a time.
 * @throws The errors of the source, after the results of earlier items. Ending the iteration early closes the source.
 * @example
 * for await (const { item, result, error } of inOrder(paths, (path) => classifier.classify(path))) { … }
 */
export async function* inOrder<Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  work: (item: Item) => Promise<Result>,
  ahead = 8,
): AsyncGenerator<Settled<Item, Result>, void, undefined> {
  const underway: Promise<Settled<Item, Result>>[] = [];
  try {
    for await (const item of items) {
      underway.push(
        work(item).then(
          (result) => ({ item, result }),
          (error) => ({ item, error }),
        ),
      );
      if (underway.length === ahead) yield await underway.shift()!;
    }
  } catch (error) {
    yield* underway;
    throw error;
  }
  yield* underway;
}
