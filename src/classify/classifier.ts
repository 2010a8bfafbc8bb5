import type { Predictor } from '../backends/types.js';
import { EMOTIONS, type Emotion } from '../emotions.js';
import { FerError } from '../errors.js';
import type { ImageInput } from '../image/input.js';
import type { Normalization } from '../image/normalize.js';
import type { Box } from '../image/resample.js';
import { toInput } from '../image/to-input.js';

/** An emotion and how probable it is, in [0, 1]. */
export interface Prediction {
  className: Emotion;
  probability: number;
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

/** A network made ready to run, and what it takes. */
export interface LoadedNetwork {
  /** Runs it, from [n,size,size,channels] to probabilities [n,5]. Disposed with the classifier. */
  predictor: Predictor;
  /** Width and height of its input. */
  size: number;
  channels: 1 | 3;
  /** What it was trained with. */
  normalization: Normalization;
  /** Frees what was loaded beside the predictor. */
  release?(): void;
}

/**
 * Makes a classifier of a network that is loaded at first use.
 *
 * @param normalization - How images are normalised; by default, as the network was trained.
 * @throws FerError `OPTION` for an unknown normalization.
 */
export function classifierOf(load: () => Promise<LoadedNetwork>, normalization?: Normalization): Classifier {
  if (normalization !== undefined && !['unit', 'standardize', 'localContrast'].includes(normalization)) {
    throw new FerError(
      'OPTION',
      `normalization must be 'unit', 'standardize' or 'localContrast', got '${normalization}'`,
    );
  }

  let loading: Promise<LoadedNetwork> | undefined;
  let disposed = false;
  const loadOnce = (): Promise<LoadedNetwork> => {
    if (loading === undefined) {
      loading = load();
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
    const { predictor, size, channels, normalization: trainedWith } = await loadOnce();
    const faces = Array.isArray(inputs) ? (inputs as readonly ImageInput[]) : [inputs as ImageInput];
    if (faces.length === 0) return [];
    const how = normalization ?? trainedWith;
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
      await loadOnce();
    },
    dispose() {
      if (disposed) return;
      disposed = true;
      loading?.then(
        ({ predictor, release }) => {
          predictor.dispose();
          release?.();
        },
        () => {},
      );
    },
  };
}

// --- below this line: helpers of this file alone ---

function predictionsOf(probabilities: Float32Array, row: number, topk: number): Prediction[] {
  return EMOTIONS.map((className, i) => ({ className, probability: probabilities[row * EMOTIONS.length + i] }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, topk);
}
