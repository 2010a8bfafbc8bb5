import type { Ledger, Outcome, Placed } from './ledger.js';

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
}
