import { describeInput } from '../describe-input.js';
import { EMOTIONS } from '../emotions.js';
import { FerError } from '../errors.js';
import type { ImageInput } from '../image/input.js';
import { isList } from '../image/is-list.js';
import type { Normalization } from '../image/normalize.js';
import type { Crop } from '../image/straighten.js';
import { toInput } from '../image/to-input.js';
import type { Predictor } from '../network/predictor.js';
import type { ImageLimits } from '../runtime.js';
import { type Prediction, predictionsOf } from './prediction.js';

export interface ClassifyOptions extends ImageLimits {
  /**
   * How many of the five emotions are given.
   * @default 5
   */
  topk?: number;
  /** The face's place in the image, in its pixels; turned, where the face leans. @default the whole image */
  box?: Crop;
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
      `normalization must be 'unit', 'standardize' or 'localContrast', got ${describeInput(normalization)}`,
    );
  }

  let loading: Promise<LoadedNetwork> | undefined;
  let disposed = false;
  /** Inputs of single faces that nobody uses now. */
  const spare: Float32Array<ArrayBuffer>[] = [];
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
    options: ClassifyOptions = {},
  ): Promise<Prediction[] | Prediction[][]> {
    const { topk = EMOTIONS.length, box, maxPixels, maxWork, maxBytes, maxFrames, maxMilliseconds } = options;
    if (!(Number.isInteger(topk) && topk >= 1))
      throw new FerError('OPTION', `topk must be 1 or more, got ${describeInput(topk)}`);
    throwIfDisposed();
    const { predictor, size, channels, normalization: trainedWith } = await loadOnce();
    const several = isList(inputs);
    const faces = several ? inputs : [inputs];
    if (faces.length === 0) return [];
    const how = normalization ?? trainedWith;
    // A single face, such as a video's next one, is written where an earlier one was.
    const out = several ? undefined : (spare.pop() ?? new Float32Array(size * size * channels));
    try {
      const limits = { maxPixels, maxWork, maxBytes, maxFrames, maxMilliseconds };
      const rows = await toInput(inputs, { normalization: how, size, channels, box, ...limits, out });
      throwIfDisposed();
      const probabilities = await predictor.predict(rows, faces.length);
      const lists = faces.map((_, row) => predictionsOf(probabilities, row, topk));
      return several ? lists : lists[0];
    } finally {
      if (out) spare.push(out);
    }
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
