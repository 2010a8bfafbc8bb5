import type { ModelMetadata } from './model-metadata.js';
import layout from './pretrained-layout.json' with { type: 'json' };
import type { ModelJson } from './weights-manifest.js';

/** The pretrained `model.json` without its topology and figures, which recognising does not need. */
export const layoutJson = layout as unknown as ModelJson;

/** How the pretrained weights' inputs are normalised, the names of their outputs, and their checksum. */
export const pretrainedFacts = layoutJson.userDefinedMetadata?.['fer-dcnn'] as Required<
  Pick<ModelMetadata, 'normalization' | 'classes' | 'sha256'>
>;
