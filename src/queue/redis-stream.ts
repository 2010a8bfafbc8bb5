import { FerError } from '../errors.js';
import type { Ledger } from './ledger.js';
import type { ResultSink } from './result-sink.js';

/**
 * Appends results to a Redis stream, each an entry of `id` and `result` (the line of JSON that `jsonLines` would write). A
 * result is appended and recorded in one script: there is no moment in which one is done and the other is not.
 *
 * @param key - The stream's key. It is never trimmed here: whoever reads it does that, with `XDEL` or `XTRIM`.
 * @example
 * await createWorker({ connection, roots: ['/faces'], sink: redisStream('faces:results') });
 */
export function redisStream(key: string): ResultSink {
  if (key === '') throw new FerError('OPTION', "a stream's key has at least one character");
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
