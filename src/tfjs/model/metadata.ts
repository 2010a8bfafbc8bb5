import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { ModelMetadata } from '../../network/model-metadata.js';

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
