import model from '../../../weights/model.json' with { type: 'json' };
import type { Normalization } from '../../image/normalize.js';
import type { ModelJson } from '../../network/weights-manifest.js';

/** Facts about the pretrained weights. */
export interface Pretrained {
  /** Version of the weights: it increases when they change, independently of the package's version. */
  version: string;
  /** Hex sha256 of `weights.bin`, checked whenever it is loaded. */
  sha256: string;
  /** Normalization of the inputs; `classify` applies it automatically. */
  normalization: Normalization;
  /** Names of the outputs, in order. */
  classes: readonly string[];
  /** Figures measured with exactly these weights; see `weights/MODEL_CARD.md`. */
  metrics: Readonly<Record<string, unknown>>;
}

/** The content of the pretrained `model.json`. */
export const modelJson = model as unknown as ModelJson;

/**
 * The pretrained weights' version, checksum, figures and normalisation, without loading them.
 *
 * @example
 * console.log(pretrained.version, pretrained.metrics.accuracy);
 */
export const pretrained: Pretrained = modelJson.userDefinedMetadata?.['fer-dcnn'] as Pretrained;
