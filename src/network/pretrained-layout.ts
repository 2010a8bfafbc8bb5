import type { ModelMetadata } from './model-metadata.js';
import layout from './pretrained-layout.json' with { type: 'json' };
import type { ModelJson } from './weights-manifest.js';

/** The pretrained `model.json` without its topology and figures, which classification does not need. */
export const layoutJson = layout as unknown as ModelJson;

/** Normalization of the inputs, names of the outputs, and checksum of the pretrained weights. */
export const pretrainedFacts = layoutJson.userDefinedMetadata?.['fer-dcnn'] as Required<
  Pick<ModelMetadata, 'normalization' | 'classes' | 'sha256'>
>;
