import { checkClassNames } from '../class-names.js';
import type { Emotion } from '../emotions.js';
import { type Normalization, normalizationRule } from '../image/normalize.js';
import { loadTfjs } from '../load-tfjs.js';
import { pretrainedFacts } from '../network/pretrained-layout.js';
import { optionsOf, rule, text } from '../options.js';
import { type Assets, assetsRule } from '../platform/assets.js';
import type { Backend, BackendName } from './backend.js';
import { type ClassOffsets, offsetsRule } from './class-offsets.js';
import { type Classifier, classifierOf, type LoadedNetwork } from './classifier.js';
import type { LayersModelLike } from './layers-model-like.js';
import { checkBackendName, classifyingBackend, startBackend } from './use-backend.js';

export interface CreateClassifierOptions<C extends string = Emotion> {
  /**
   * The model, from [n,height,width,1 or 3] to probabilities [n,classes], or a promise of it.
   * @default the pretrained weights of `fer-dcnn/weights`, loaded at first use
   */
  model?: LayersModelLike | Promise<LayersModelLike>;
  /**
   * The backend of this classifier. For other settings of a backend, call `useBackend`.
   * @default the choice of `useBackend`, or else `simd`
   */
  backend?: BackendName | (string & {});
  /**
   * The address of the binaries, or the binaries themselves. A program has each TF.js backend only once: it is started with
   * them, unless it is already running.
   * @default the assets of `useBackend`, or else the files in this package
   */
  assets?: Assets;
  /**
   * How images are normalized.
   * @default the normalization in the model's metadata, or else 'unit'
   */
  normalization?: Normalization;
  /**
   * Names of the model's classes, in the order of its outputs, for a model without names. If the model has names, these must be
   * the same, and only set the type of the result of `classify`.
   * @default the names in the model's metadata, or else `EMOTIONS` for five outputs
   */
  classes?: readonly C[];
  /**
   * Added to the logits of classes, by name: a positive number makes a class more likely. `{ angry: 0.4 }` multiplies
   * angry's probability by exp(0.4), and then all are divided by their sum. See "operating point" in the model card.
   * @default none
   */
  offsets?: ClassOffsets<NoInfer<C>>;
}

/**
 * Makes a classifier with its own model, backend and normalization. Nothing is loaded before its first use.
 *
 * @throws FerError `BACKEND_UNKNOWN`, `OPTION`, `CLASSES` for repeated names, at once. All other errors at first use,
 * including `CLASSES` when the names of `classes` or `offsets` are not the model's.
 * @example
 * const classifier = createClassifier({ backend: 'cpu' });
 * const [best] = await classifier.classify('face.jpg');
 * classifier.dispose();
 * @example
 * const classifier = createClassifier({ model, classes: ['bored', 'attentive'] as const });
 */
export function createClassifier<const C extends string = Emotion>(
  options: CreateClassifierOptions<C> = {},
): Classifier<C> {
  checkOptions(options);
  const { model, backend: name, assets, normalization, classes, offsets } = options;
  if (name !== undefined) checkBackendName(name);
  return classifierOf<C>(
    async () => {
      const backend = await (name === undefined ? classifyingBackend(assets) : startBackend(name, { assets }));
      if (model === undefined) return loadPretrainedOn(backend, assets);
      const given = await model;
      return (await loadTfjs()).layersNetwork(backend, given);
    },
    { normalization, classes, offsets },
  );
}

async function loadPretrainedOn(backend: Backend, assets?: Assets): Promise<LoadedNetwork> {
  if (backend.pretrained === undefined) return (await loadTfjs()).pretrainedLayersNetwork(backend, assets);
  const predictor = await backend.pretrained();
  const { classes, normalization } = pretrainedFacts;
  return { predictor, size: 32, channels: 1, classes, named: true, normalization };
}

const checkOptions = optionsOf<CreateClassifierOptions<string>>('createClassifier', () => ({
  model: rule('a tf.LayersModel, or a promise of one', (value: unknown) => typeof value === 'object' && value !== null),
  backend: text,
  assets: assetsRule,
  normalization: normalizationRule,
  offsets: offsetsRule,
  classes: checkClassNames,
}));
