import type { Outcome, Placed, Ledger as QueueLedger } from './ledger.js';

/**
 * What a sink asks of its queue's ledger, which knows what has become of every item. A sink that takes results where they
 * may come twice calls `open`, `states` before and `settle` after; `commitToFile` and `commitToStream` give each its one
 * place. Each call throws FerError `UNREACHABLE` or `QUEUE`; pass it on.
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

/** Where results go. A driver: one file, one factory. */
export interface ResultSink {
  /** Makes it ready; told the ledger of the queue that it serves. */
  open(ledger: Ledger): Promise<void>;
  /**
   * Takes results; when it has, each is in the sink and recorded in the ledger. What is recorded already is passed over.
   * Called again with the same when it throws.
   */
  deliver(outcomes: readonly Outcome[]): Promise<void>;
  /** Writes results that another worker left behind with a place in a file. */
  finish(placed: readonly Placed[]): Promise<void>;
  /**
   * Looks whether what was delivered is still there, and mends what it can. Called every two seconds, and when the worker has
   * finished.
   */
  verify?(): Promise<void>;
  /**
   * Records again what the ledger may have forgotten: Redis was restarted, perhaps without its last writes. Called within two
   * seconds, by every worker.
   *
   * @param run - Identifies the new run of Redis.
   */
  restarted?(run: string): Promise<void>;
}
