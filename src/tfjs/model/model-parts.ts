import type { io } from '@tensorflow/tfjs-core';

/** What a model is made of. */
export interface ModelParts {
  modelTopology: object;
  weightSpecs: io.WeightsManifestEntry[];
  weightData: ArrayBuffer;
  userDefinedMetadata?: Record<string, never>;
}
