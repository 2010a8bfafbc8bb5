import { outputNames } from '../class-names.js';
import type { Emotion } from '../emotions.js';
import { FerError } from '../errors.js';
import { boxRule } from '../image/box.js';
import type { ImageInput } from '../image/input.js';
import { isList } from '../image/is-list.js';
import type { Normalization } from '../image/normalize.js';
import type { Crop } from '../image/straighten.js';
import { toInput } from '../image/to-input.js';
import { frameRule } from '../image/to-pixels.js';
import { checkProbabilities } from '../network/check-probabilities.js';
import type { Predictor } from '../network/predictor.js';
import { number, optionsOf } from '../options.js';
import { limitRules } from '../platform/image-limits.js';
import type { ImageLimits } from '../runtime.js';
import { type ClassOffsets, offsetsInOrder, offsetsRule } from './class-offsets.js';
import { type Predictions, type PredictionsFor, predictionsOf } from './prediction.js';

export interface ClassifyOptions<C extends string = Emotion> extends ImageLimits {
  /**
   * How many of the classes are given.
   * @default all: five with the pretrained weights
   */
  topk?: number;
  /** The face's place in the image, in its pixels; turned, where the face leans. @default the whole image */
  box?: Crop;
  /**
   * Which frame of an animation, or page of a TIFF, counted from 0. Browsers without `ImageDecoder` (Safari) read the first
   * alone.
   * @default 0
   */
  frame?: number;
  /**
   * Added to the logits of classes: which classes are named more readily, and which less.
   * @default those of the classifier, else none
   */
  offsets?: ClassOffsets<C>;
}

/** The rule of the option `topk`. */
export const topkRule = number('1 or more', (value) => Number.isInteger(value) && value >= 1);

const checkClassifyOptions = optionsOf<ClassifyOptions<string>>('classify', () => ({
  topk: topkRule,
  box: boxRule,
  frame: frameRule,
  offsets: offsetsRule,
  ...limitRules,
}));

/** Classifies on a model and backend of its own. */
export interface Classifier<C extends string = Emotion> {
  /** Names of the classes, in the order of the network's outputs; undefined until it is loaded. */
  readonly classes: readonly C[] | undefined;
  /**
   * Gives the classes of one face, most probable first, or, for an array of faces, one such list a face.
   *
   * @throws FerError as `classify` does; `DISPOSED` after `dispose()`.
   */
  classify<const Input extends ImageInput | readonly ImageInput[]>(
    input: Input,
    options?: ClassifyOptions<C>,
  ): Promise<PredictionsFor<Input, C>>;
  /** Loads the model and starts the backend now rather than at the first face. */
  load(): Promise<void>;
  /** Frees the model when the classifier loaded it; a model that was passed in stays the caller's. */
  dispose(): void;
}

/** A network made ready to run, and what it takes. */
export interface LoadedNetwork {
  /** Runs it, from [n,size,size,channels] to probabilities [n,classes]. Disposed with the classifier. */
  predictor: Predictor;
  /** Width and height of its input. */
  size: number;
  channels: 1 | 3;
  /** What its outputs are, in order. */
  classes: readonly string[];
  /** Whether the network itself says so; otherwise the user may. */
  named: boolean;
  /** What it was trained with. */
  normalization: Normalization;
  /** Frees what was loaded beside the predictor. */
  release?(): void;
}

/** What a classifier does with a network. */
export interface ClassifierSettings<C extends string> {
  /** How images are normalised; by default, as the network was trained. */
  normalization?: Normalization;
  /** Names of the classes: those of the network, in any order, or names for a network that has none. */
  classes?: readonly C[];
  /** Added to the logits, where a call brings no others. */
  offsets?: ClassOffsets<C>;
}

/** Makes a classifier of a network that is loaded at first use. */
export function classifierOf<C extends string = Emotion>(
  load: () => Promise<LoadedNetwork>,
  { normalization, classes: wanted, offsets }: ClassifierSettings<C> = {},
): Classifier<C> {
  const own = offsets && { ...offsets };
  let loading: Promise<LoadedNetwork> | undefined;
  let classes: readonly C[] | undefined;
  let usual: Float64Array | undefined;
  let disposed = false;
  /** Inputs of single faces that nobody uses now. */
  const spare: Float32Array<ArrayBuffer>[] = [];
  const loadOnce = (): Promise<LoadedNetwork> => {
    if (loading === undefined) {
      loading = load().then((network) => {
        try {
          const names = outputNames(network.classes, network.named, wanted) as readonly C[];
          usual = offsetsInOrder(own, names);
          classes = names;
        } catch (error) {
          network.predictor.dispose();
          network.release?.();
          throw error;
        }
        return network;
      });
      // What failed may be tried again: the network may be back.
      loading.catch(() => {
        loading = undefined;
      });
    }
    return loading;
  };

  async function classify(
    inputs: ImageInput | readonly ImageInput[],
    options: ClassifyOptions<C> = {},
  ): Promise<Predictions<C> | Predictions<C>[]> {
    checkClassifyOptions(options);
    const {
      topk = Number.MAX_SAFE_INTEGER,
      box,
      frame,
      maxPixels,
      maxWork,
      maxBytes,
      maxFrames,
      maxMilliseconds,
    } = options;
    throwIfDisposed();
    const { predictor, size, channels, classes: named, normalization: trainedWith } = await loadOnce();
    const offsets = options.offsets === undefined ? usual : offsetsInOrder(options.offsets, classes!);
    const several = isList(inputs);
    const faces = several ? inputs : [inputs];
    if (faces.length === 0) return [];
    const how = normalization ?? trainedWith;
    // A single face, such as a video's next one, is written where an earlier one was.
    const out = several ? undefined : (spare.pop() ?? new Float32Array(size * size * channels));
    try {
      const limits = { maxPixels, maxWork, maxBytes, maxFrames, maxMilliseconds };
      const rows = await toInput(inputs, { normalization: how, size, channels, box, frame, ...limits, out });
      throwIfDisposed();
      const probabilities = await predictor.predict(rows, faces.length);
      checkProbabilities(probabilities, named.length);
      const lists = faces.map((_, row) => predictionsOf<C>(probabilities, row, topk, classes, offsets));
      return several ? lists : lists[0];
    } finally {
      if (out) spare.push(out);
    }
  }

  function throwIfDisposed(): void {
    if (disposed) throw new FerError('DISPOSED', 'this classifier has been disposed: create another');
  }

  return {
    get classes() {
      return classes;
    },
    classify: classify as Classifier<C>['classify'],
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
