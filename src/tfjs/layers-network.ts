import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Backend } from '../classify/backend.js';
import type { LoadedNetwork } from '../classify/classifier.js';
import type { LayersModelLike } from '../classify/layers-model-like.js';
import { FerError } from '../errors.js';
import type { Assets } from '../platform/assets.js';
import { startTensors } from './backends/current-backend.js';
import { tfjsPredictor } from './backends/tfjs-predictor.js';
import { loadPretrained } from './model/load-pretrained.js';
import { metadataOf } from './model/metadata.js';
import { classNamesOf, givenClassNames, sampleChannels, specOf } from './model/model-spec.js';

/**
 * Makes a Layers model ready to classify on a backend.
 *
 * @throws FerError `MODEL`, `CHANNELS` for a model that is not a classifier of square images.
 */
export async function layersNetwork(backend: Backend, given: LayersModelLike): Promise<LoadedNetwork> {
  const model = given as LayersModel;
  const spec = specOf(model);
  if (spec.width !== spec.height) {
    throw new FerError('MODEL', `a model with square inputs is needed, this takes ${spec.width}x${spec.height}`);
  }
  let predictor = backend.predictor?.(model);
  if (predictor === undefined) {
    await startTensors(backend);
    predictor = tfjsPredictor(backend, model);
  }
  return {
    predictor,
    size: spec.width,
    channels: sampleChannels(spec),
    classes: classNamesOf(model),
    named: givenClassNames(model) !== undefined,
    normalization: metadataOf(model).normalization ?? 'unit',
  };
}

/** Makes the pretrained weights ready on a backend that needs them as a Layers model. */
export async function pretrainedLayersNetwork(backend: Backend, assets?: Assets): Promise<LoadedNetwork> {
  const model = await loadPretrained({ assets });
  return { ...(await layersNetwork(backend, model)), release: () => model.dispose() };
}
