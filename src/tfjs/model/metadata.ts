import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Normalization } from '../../image/normalize.js';

/** What a model of this library carries beside its weights, in `model.json` under `userDefinedMetadata['fer-dcnn']`. */
export interface ModelMetadata {
  /** How its inputs are normalised; `classify` and `evaluate` follow it. */
  normalization?: Normalization;
  /** Names of its outputs, in order. */
  classes?: readonly string[];
  /** Hex sha256 of the weights' binary, checked when the model is loaded. */
  sha256?: string;
  /** Figures measured with these weights; names say on what. */
  metrics?: Readonly<Record<string, unknown>>;
}

/** Reads what {@link setMetadata} or a loaded `model.json` gave a model; empty for models from elsewhere. */
export function metadataOf(model: LayersModel): ModelMetadata {
  const all = model.getUserDefinedMetadata() as Record<string, unknown> | undefined;
  return (all?.[KEY] as ModelMetadata | undefined) ?? {};
}

/** Merges fields into a model's metadata; `tf.LayersModel.save` and `saveModel` write them. */
export function setMetadata(model: LayersModel, fields: ModelMetadata): void {
  model.setUserDefinedMetadata(withMetadata(model, fields));
}

/** All that is stored under `userDefinedMetadata`, other programs' fields included, with `fields` merged into ours. */
export function withMetadata(model: LayersModel, fields: ModelMetadata): Record<string, unknown> {
  const all = (model.getUserDefinedMetadata() as Record<string, unknown> | undefined) ?? {};
  // Through JSON, which TF.js insists on: fields that are undefined are gone.
  return JSON.parse(JSON.stringify({ ...all, [KEY]: { ...metadataOf(model), ...fields } }));
}

// --- below this line: helpers of this file alone ---

const KEY = 'fer-dcnn';
