import type { Outcome, Placed, Ledger as QueueLedger } from './ledger.js';

/**
 * The methods of a queue's ledger for a sink; the ledger knows the state of every item. A sink that may receive results twice
 * calls `open` and `states` before, and `settle` after storing them. `commitToFile` and `commitToStream` assign each result its
 * only place. Each call may throw FerError `UNREACHABLE` or `QUEUE`; do not catch these.
 */
export type Ledger = Pick<
  QueueLedger,
  | 'queue'
  | 'open'
  | 'check'
  | 'states'
  | 'settle'
  | 'settleWritten'
  | 'commitToFile'
  | 'commitToStream'
  | 'openFile'
  | 'adopt'
>;

/** The destination of results. Each sink is one file with one factory. */
export interface ResultSink {
  /** Prepares the sink; `ledger` is the ledger of its queue. */
  open(ledger: Ledger): Promise<void>;
  /**
   * Stores results; afterwards, each is in the sink and recorded in the ledger. Recorded results are skipped. If it
   * throws, it is called again with the same results.
   */
  deliver(outcomes: readonly Outcome[]): Promise<void>;
  /** Writes results that another worker left unwritten, with a place in a file. */
  finish(placed: readonly Placed[]): Promise<void>;
  /**
   * Checks whether delivered results are still there, and repairs what it can. Called every two seconds, and when the worker
   * has finished.
   */
  verify?(): Promise<void>;
  /**
   * Records results again that the ledger may have forgotten: Redis was restarted, perhaps without its last writes. Called within two
   * seconds, by every worker.
   *
   * @param run - Identifies the new run of Redis.
   */
  restarted?(run: string): Promise<void>;
}
