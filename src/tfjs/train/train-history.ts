/** The figures of one epoch. */
export interface EpochFigures {
  /** Mean loss of the training batches, with augmentation and dropout. */
  loss: number;
  /** Accuracy on the training samples, with augmentation and dropout. */
  accuracy: number;
  /** The learning rate of the epoch's last step. */
  learningRate: number;
  valLoss?: number;
  valAccuracy?: number;
  valMacroRecall?: number;
}

/** One list per figure, with one entry per epoch; validation lists are empty without validation data. */
export type TrainHistory = { [Figure in keyof EpochFigures]-?: number[] };

export interface TrainResult {
  history: TrainHistory;
  /** The epoch (from 1) whose weights the model now has, and its figures. */
  best: { epoch: number } & EpochFigures;
  /** Number of finished epochs; early stopping may end before `epochs`. */
  stoppedAt: number;
}
