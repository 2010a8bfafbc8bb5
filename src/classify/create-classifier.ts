import type { LayersModel } from '@tensorflow/tfjs-layers';
import { tfjsPredictor } from '../backends/tfjs-predictor.js';
import type { BackendName, Predictor } from '../backends/types.js';
import { checkBackendName, currentBackend, startBackend } from '../backends/use-backend.js';
import { EMOTIONS, type Emotion } from '../emotions.js';
import { FerError } from '../errors.js';
import { sampleChannels, specOf } from '../evaluate/labelled-data.js';
import type { ImageInput } from '../image/input.js';
import type { Normalization } from '../image/normalize.js';
import type { Box } from '../image/resample.js';
import { toInput } from '../image/to-input.js';
import { metadataOf } from '../model/metadata.js';

/** An emotion and how probable it is, in [0, 1]. */
export interface Prediction {
  className: Emotion;
  probability: number;
}

export interface CreateClassifierOptions {
  /**
   * The model, from [n,height,width,1 or 3] to probabilities [n,5], or a promise of it.
   * @default the pretrained weights of `fer-dcnn/weights`, loaded at first use
   */
  model?: LayersModel | Promise<LayersModel>;
  /**
   * The backend to run on, whatever others use. An object's own settings go to `useBackend`.
   * @default the one in use; see `useBackend`
   */
  backend?: BackendName | (string & {});
  /**
   * How images are normalised.
   * @default what the model was trained with, by its metadata; else 'unit'
   */
  normalization?: Normalization;
}

export interface ClassifyOptions {
  /**
   * How many of the five emotions are given.
   * @default 5
   */
  topk?: number;
  /** The face's place in the image, in its pixels. @default the whole image */
  box?: Box;
  /**
   * Largest width * height that is decoded.
   * @default 64e6
   */
  maxPixels?: number;
}

/** Classifies on a model and backend of its own. */
export interface Classifier {
  /**
   * Gives the emotions of one face, most probable first, or, for an array of faces, one such list a face.
   *
   * @throws FerError as `classify` does; `DISPOSED` after `dispose()`.
   */
  classify(input: ImageInput, options?: ClassifyOptions): Promise<Prediction[]>;
  classify(inputs: readonly ImageInput[], options?: ClassifyOptions): Promise<Prediction[][]>;
  /** Loads the model and starts the backend now rather than at the first face. */
  load(): Promise<void>;
  /** Frees the model when the classifier loaded it; a model that was passed in stays the caller's. */
  dispose(): void;
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
  const { model, backend: backendName, normalization } = options;
  if (backendName !== undefined) checkBackendName(backendName);
  if (normalization !== undefined && !['unit', 'standardize', 'localContrast'].includes(normalization)) {
    throw new FerError(
      'OPTION',
      `normalization must be 'unit', 'standardize' or 'localContrast', got '${normalization}'`,
    );
  }

  let loading: Promise<Loaded> | undefined;
  let disposed = false;
  const load = (): Promise<Loaded> => {
    if (loading === undefined) {
      loading = loadClassifier(model, backendName);
      // What failed may be tried again: the network may be back.
      loading.catch(() => {
        loading = undefined;
      });
    }
    return loading;
  };

  async function classify(
    inputs: ImageInput | readonly ImageInput[],
    { topk = EMOTIONS.length, box, maxPixels }: ClassifyOptions = {},
  ): Promise<Prediction[] | Prediction[][]> {
    if (!(Number.isInteger(topk) && topk >= 1)) throw new FerError('OPTION', `topk must be 1 or more, got ${topk}`);
    throwIfDisposed();
    const { net, size, channels, predictor } = await load();
    const faces = Array.isArray(inputs) ? (inputs as readonly ImageInput[]) : [inputs as ImageInput];
    if (faces.length === 0) return [];
    const how = normalization ?? metadataOf(net).normalization ?? 'unit';
    const rows = await toInput(inputs, { normalization: how, size, channels, box, maxPixels });
    throwIfDisposed();
    const probabilities = await predictor.predict(rows, faces.length);
    const lists = faces.map((_, row) => predictionsOf(probabilities, row, topk));
    return Array.isArray(inputs) ? lists : lists[0];
  }

  function throwIfDisposed(): void {
    if (disposed) throw new FerError('DISPOSED', 'this classifier has been disposed: create another');
  }

  return {
    classify: classify as Classifier['classify'],
    async load() {
      throwIfDisposed();
      await load();
    },
    dispose() {
      if (disposed) return;
      disposed = true;
      loading?.then(
        ({ net, predictor }) => {
          predictor.dispose();
          if (model === undefined) net.dispose();
        },
        () => {},
      );
    },
  };
}

// --- below this line: helpers of this file alone ---

interface Loaded {
  net: LayersModel;
  size: number;
  channels: 1 | 3;
  predictor: Predictor;
}

async function loadClassifier(
  model: CreateClassifierOptions['model'],
  backendName: string | undefined,
): Promise<Loaded> {
  const backend = await (backendName === undefined ? currentBackend() : startBackend(backendName));
  const net = await (model ?? import('../weights/index.js').then(({ loadPretrained }) => loadPretrained()));
  const spec = specOf(net);
  if (spec.classes !== EMOTIONS.length) {
    throw new FerError(
      'CLASSES',
      `a model with ${EMOTIONS.length} classes (${EMOTIONS.join(', ')}) is needed, this has ${spec.classes}`,
    );
  }
  if (spec.width !== spec.height) {
    throw new FerError('MODEL', `a model with square inputs is needed, this takes ${spec.width}x${spec.height}`);
  }
  const predictor = backend.predictor?.(net) ?? tfjsPredictor(backend, net);
  return { net, size: spec.width, channels: sampleChannels(spec), predictor };
}

function predictionsOf(probabilities: Float32Array, row: number, topk: number): Prediction[] {
  return EMOTIONS.map((className, i) => ({ className, probability: probabilities[row * EMOTIONS.length + i] }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, topk);
}
