import type { Normalization } from '../image/normalize.js';
import { loadTfjs } from '../load-tfjs.js';
import { pretrainedFacts } from '../network/pretrained-layout.js';
import type { Assets } from '../platform/assets.js';
import type { Backend, BackendName } from './backend.js';
import { type Classifier, classifierOf, type LoadedNetwork } from './classifier.js';
import type { LayersModelLike } from './layers-model-like.js';
import { checkBackendName, classifyingBackend, startBackend } from './use-backend.js';

export interface CreateClassifierOptions {
  /**
   * The model, from [n,height,width,1 or 3] to probabilities [n,5], or a promise of it.
   * @default the pretrained weights of `fer-dcnn/weights`, loaded at first use
   */
  model?: LayersModelLike | Promise<LayersModelLike>;
  /**
   * The backend to run on, whatever others use. An object's own settings go to `useBackend`.
   * @default the one chosen by `useBackend`, else `simd`
   */
  backend?: BackendName | (string & {});
  /**
   * Where the binaries lie, or the binaries themselves. A backend of TF.js, which a program has once, is started with them
   * if it has not been started.
   * @default what `useBackend` was given, else the files in this package
   */
  assets?: Assets;
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
  const { model, backend: name, assets, normalization } = options;
  if (name !== undefined) checkBackendName(name);
  return classifierOf(async () => {
    const backend = await (name === undefined ? classifyingBackend(assets) : startBackend(name, { assets }));
    if (model === undefined) return loadPretrainedOn(backend, assets);
    const given = await model;
    return (await loadTfjs()).layersNetwork(backend, given);
  }, normalization);
}

async function loadPretrainedOn(backend: Backend, assets?: Assets): Promise<LoadedNetwork> {
  if (backend.pretrained === undefined) return (await loadTfjs()).pretrainedLayersNetwork(backend, assets);
  const predictor = await backend.pretrained();
  return { predictor, size: 32, channels: 1, normalization: pretrainedFacts.normalization };
}
