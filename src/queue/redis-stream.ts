import { FerError } from '../errors.js';
import { text } from '../options.js';
import type { Ledger, ResultSink } from './result-sink.js';

/**
 * Appends results to a Redis stream, each an entry of `id` and `result` (the line of JSON that `jsonLines` would write). One
 * script appends and records a result, so that a crash never leaves only one of the two done.
 *
 * @param key - The stream's key. The library never trims it; its reader may, with `XDEL` or `XTRIM`.
 * @example
 * await createWorker({ connection, roots: ['/faces'], sink: redisStream('faces:results') });
 */
export function redisStream(key: string): ResultSink {
  text(key, 'key');
  let ledger: Ledger;
  return {
    async open(queueLedger) {
      ledger = queueLedger;
      await ledger.open();
    },
    deliver: (outcomes) => ledger.commitToStream(key, outcomes),
    async finish([first]) {
      throw new FerError(
        'QUEUE',
        `results wait to be written to ${first.file}: start a worker that writes to its folder`,
      );
    },
  };
}
