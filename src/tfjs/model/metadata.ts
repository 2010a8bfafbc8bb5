import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { FileFacts, ModelMetadata } from '../../network/model-metadata.js';

/**
 * Reads the metadata that {@link setMetadata} or a loaded `model.json` gave a model, with the facts of its file; empty for other
 * models.
 */
export function metadataOf(model: LayersModel): ModelMetadata {
  return { ...ownMetadata(model), ...facts.get(model) };
}

/** Records the file from which a model was loaded. Its facts are read with the metadata, but not saved with the model. */
export function setFileFacts(model: LayersModel, fileFacts: FileFacts): void {
  setMetadata(model, { version: undefined, sha256: undefined, metrics: undefined });
  facts.set(model, fileFacts);
}

/** Removes the facts of the file from a model whose weights will change. */
export function forgetFileFacts(model: LayersModel): void {
  setFileFacts(model, {});
}

/** Merges fields into a model's metadata; `tf.LayersModel.save` and `saveModel` write them. */
export function setMetadata(model: LayersModel, fields: ModelMetadata): void {
  model.setUserDefinedMetadata(withMetadata(model, fields));
}

/** All that is stored under `userDefinedMetadata`, other programs' fields included, with `fields` merged into ours. */
export function withMetadata(model: LayersModel, fields: ModelMetadata): Record<string, unknown> {
  const all = (model.getUserDefinedMetadata() as Record<string, unknown> | undefined) ?? {};
  // Converted through JSON, which TF.js requires; undefined fields are dropped.
  return JSON.parse(JSON.stringify({ ...all, [KEY]: { ...ownMetadata(model), ...fields } }));
}

const KEY = 'fer-dcnn';
const facts = new WeakMap<LayersModel, FileFacts>();

function ownMetadata(model: LayersModel): ModelMetadata {
  const all = model.getUserDefinedMetadata() as Record<string, unknown> | undefined;
  return (all?.[KEY] as ModelMetadata | undefined) ?? {};
}
