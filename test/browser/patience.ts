/** Milliseconds after which a wait for what never comes ends: what takes a second may take a minute on a busy machine. */
export const PATIENCE = 120_000;
