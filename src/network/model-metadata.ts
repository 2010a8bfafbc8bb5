import type { Normalization } from '../image/normalize.js';

/** Metadata of a model of this library, in `model.json` under `userDefinedMetadata['fer-dcnn']`. */
export interface ModelMetadata {
  /** Normalization of its inputs; `classify` and `evaluate` use it. */
  normalization?: Normalization;
  /** Names of its outputs, in order. */
  classes?: readonly string[];
  /** Version of the weights, if their publisher numbers versions. */
  version?: string;
  /** Hex sha256 of the weights' binary, checked when the model is loaded. */
  sha256?: string;
  /** Figures measured with these weights; the names say on which data. */
  metrics?: Readonly<Record<string, unknown>>;
}

/** Facts about the weights of one file; other saved files must not contain them. */
export type FileFacts = Pick<ModelMetadata, 'version' | 'sha256' | 'metrics'>;
