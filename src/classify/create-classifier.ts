import type { LayersModel } from '@tensorflow/tfjs-layers';
import { EMOTIONS } from '../emotions.js';
import { FerError } from '../errors.js';
import type { Normalization } from '../image/normalize.js';
import { tfjsPredictor } from '../tfjs/backends/tfjs-predictor.js';
import type { Backend, BackendName } from '../tfjs/backends/types.js';
import { checkBackendName, classifyingBackend, startBackend, startTensors } from '../tfjs/backends/use-backend.js';
import { sampleChannels, specOf } from '../tfjs/evaluate/labelled-data.js';
import { metadataOf } from '../tfjs/model/metadata.js';
import { type Classifier, classifierOf, type LoadedNetwork } from './classifier.js';

export interface CreateClassifierOptions {
  /**
   * The model, from [n,height,width,1 or 3] to probabilities [n,5], or a promise of it.
   * @default the pretrained weights of `fer-dcnn/weights`, loaded at first use
   */
  model?: LayersModel | Promise<LayersModel>;
  /**
   * The backend to run on, whatever others use. An object's own settings go to `useBackend`.
   * @default the one chosen by `useBackend`, else `simd`
   */
  backend?: BackendName | (string & {});
  /**
   * How images are normalised.
   * @default what the model was trained with, by its metadata; else 'unit'
   */
  normalization?: Normalization;
}

/**
 * Makes a classifier with a model, backend and normalisation of its own. Nothing is loaded before its first use.
 *
 * @throws FerError `BACKEND_UNKNOWN`, `OPTION` at once; all else at first use.
 * @example
 * const classifier = createClassifier({ backend: 'cpu' });
 * const [best] = await classifier.classify('face.jpg');
 * classifier.dispose();
 */
export function createClassifier(options: CreateClassifierOptions = {}): Classifier {
  const { model, backend: name, normalization } = options;
  if (name !== undefined) checkBackendName(name);
  return classifierOf(async () => {
    const backend = await (name === undefined ? classifyingBackend() : startBackend(name));
    return model === undefined ? loadPretrainedOn(backend) : loadModelOn(backend, await model);
  }, normalization);
}

// --- below this line: helpers of this file alone ---

async function loadPretrainedOn(backend: Backend): Promise<LoadedNetwork> {
  const { loadPretrained, pretrained } = await import('../weights.js');
  if (backend.pretrained !== undefined) {
    return {
      predictor: await backend.pretrained(),
      size: 32,
      channels: 1,
      normalization: pretrained.normalization,
    };
  }
  const model = await loadPretrained();
  return { ...(await loadModelOn(backend, model)), release: () => model.dispose() };
}

async function loadModelOn(backend: Backend, model: LayersModel): Promise<LoadedNetwork> {
  const spec = specOf(model);
  if (spec.classes !== EMOTIONS.length) {
    throw new FerError(
      'CLASSES',
      `a model with ${EMOTIONS.length} classes (${EMOTIONS.join(', ')}) is needed, this has ${spec.classes}`,
    );
  }
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
    normalization: metadataOf(model).normalization ?? 'unit',
  };
}
