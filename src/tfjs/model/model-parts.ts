import type { io } from '@tensorflow/tfjs-core';

/** The parts of a model. */
export interface ModelParts {
  modelTopology: object;
  weightSpecs: io.WeightsManifestEntry[];
  weightData: ArrayBuffer;
  userDefinedMetadata?: Record<string, never>;
}
