import type { Normalization } from '../image/normalize.js';

/** What a model of this library carries beside its weights, in `model.json` under `userDefinedMetadata['fer-dcnn']`. */
export interface ModelMetadata {
  /** How its inputs are normalised; `classify` and `evaluate` follow it. */
  normalization?: Normalization;
  /** Names of its outputs, in order. */
  classes?: readonly string[];
  /** Version of the weights, if whoever published them counts versions. */
  version?: string;
  /** Hex sha256 of the weights' binary, checked when the model is loaded. */
  sha256?: string;
  /** Figures measured with these weights; names say on what. */
  metrics?: Readonly<Record<string, unknown>>;
}

/** What is true of a file's weights alone: no other save may carry it on. */
export type FileFacts = Pick<ModelMetadata, 'version' | 'sha256' | 'metrics'>;
