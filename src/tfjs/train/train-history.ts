/** The figures of one epoch. */
export interface EpochFigures {
  /** Mean loss of the training batches, augmented and with dropout, as they were seen. */
  loss: number;
  /** Share of the training samples that were right as they were seen. */
  accuracy: number;
  /** The learning rate of the epoch's last step. */
  learningRate: number;
  valLoss?: number;
  valAccuracy?: number;
  valMacroRecall?: number;
}

/** A list a figure, one entry an epoch; those of validation are empty without validation data. */
export type TrainHistory = { [Figure in keyof EpochFigures]-?: number[] };

export interface TrainResult {
  history: TrainHistory;
  /** The epoch (from 1) whose weights the model now holds, and its figures. */
  best: { epoch: number } & EpochFigures;
  /** Epochs that were done, of all that were asked for. */
  stoppedAt: number;
}
