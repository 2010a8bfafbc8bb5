import type { Emotion } from '../emotions.js';
import { FerError } from '../errors.js';
import type { PoolFacesOptions } from '../pool/pool-item.js';
import type { Ledger, ResultSink } from './result-sink.js';
import type { ItemResult } from './types.js';

/** A result as passed to a function. */
export type IdentifiedResult<C extends string = Emotion, Faces extends boolean | PoolFacesOptions = false> = ItemResult<
  C,
  Faces
> & {
  /** 22 characters that identify the item: always the same for the same reference. Store results by it. */
  id: string;
};

/**
 * Passes results to a function. When a worker dies after the function has returned and before Redis has recorded it, the function
 * gets the results again, with the same `id`. If it stores by `id` (`insert … on conflict do nothing`), it has each exactly once.
 */
export function functionSink<C extends string = Emotion, Faces extends boolean | PoolFacesOptions = false>(
  take: (results: IdentifiedResult<C, Faces>[]) => void | Promise<void>,
): ResultSink {
  let ledger: Ledger;
  return {
    async open(queueLedger) {
      ledger = queueLedger;
      await ledger.open();
    },
    async deliver(outcomes) {
      const states = await ledger.states(outcomes.map(({ id }) => id));
      const open = outcomes.filter((_, i) => states[i] === 'waiting' || states[i] === 'damaged');
      if (open.length === 0) return;
      await take(open.map(({ id, line }) => ({ id, ...(JSON.parse(line) as ItemResult<C, Faces>) })));
      await ledger.settle(open);
    },
    async finish([first]) {
      throw new FerError(
        'QUEUE',
        `results wait to be written to ${first.file}: start a worker that writes to its folder`,
      );
    },
  };
}
