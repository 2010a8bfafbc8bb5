import type { loadPretrained } from 'fer-dcnn/weights';

type Model = Awaited<ReturnType<typeof loadPretrained>>;

/** A model in the TF.js Layers format. */
export interface ModelFiles {
  json: string;
  weights: ArrayBuffer;
}

/** Turns a model into the two files that `tf.loadLayersModel` opens. */
export async function modelFiles(model: Model): Promise<ModelFiles> {
  let files: ModelFiles | undefined;
  await model.save({
    async save({ modelTopology, format, generatedBy, convertedBy, userDefinedMetadata, weightSpecs, weightData }) {
      const weightsManifest = [{ paths: ['weights.bin'], weights: weightSpecs }];
      files = {
        json: JSON.stringify({ format, generatedBy, convertedBy, modelTopology, weightsManifest, userDefinedMetadata }),
        weights: await new Blob([weightData ?? []].flat()).arrayBuffer(),
      };
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
    },
  });
  return files!;
}
