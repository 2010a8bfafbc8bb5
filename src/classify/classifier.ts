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
import { integer, optionsOf } from '../options.js';
import { limitRules } from '../platform/image-limits.js';
import type { ImageLimits } from '../runtime.js';
import { type ClassOffsets, offsetsInOrder, offsetsRule } from './class-offsets.js';
import { type Predictions, type PredictionsFor, predictionsOf } from './prediction.js';

export interface ClassifyOptions<C extends string = Emotion> extends ImageLimits {
  /**
   * Number of classes to return.
   * @default all: five with the pretrained weights
   */
  topk?: number;
  /** The face in the image, in pixels; it may be rotated. @default the whole image */
  box?: Crop;
  /**
   * Which frame of an animation, or page of a TIFF, counted from 0. Browsers without `ImageDecoder` (Safari) read only
   * the first.
   * @default 0
   */
  frame?: number;
  /**
   * Numbers that are added to the logits of classes: a positive number makes a class more likely.
   * @default the offsets of the classifier, or else none
   */
  offsets?: ClassOffsets<C>;
}

/** Rule for the option `topk`. */
export const topkRule = integer(1);

const checkClassifyOptions = optionsOf<ClassifyOptions<string>>('classify', () => ({
  topk: topkRule,
  box: boxRule,
  frame: frameRule,
  offsets: offsetsRule,
  ...limitRules,
}));

/** A classifier with its own model and backend. */
export interface Classifier<C extends string = Emotion> {
  /** Names of the classes, in the order of the network's outputs; undefined until the network is loaded. */
  readonly classes: readonly C[] | undefined;
  /**
   * Returns the classes of one face, most probable first; for an array of faces, one such list per face.
   *
   * @throws FerError as `classify`; `DISPOSED` after `dispose()`.
   */
  classify<const Input extends ImageInput | readonly ImageInput[]>(
    input: Input,
    options?: ClassifyOptions<C>,
  ): Promise<PredictionsFor<Input, C>>;
  /** Loads the model and starts the backend now, instead of at the first face. */
  load(): Promise<void>;
  /** Frees the model if the classifier loaded it; a model that was passed in belongs to the caller. */
  dispose(): void;
}

/** A network that is ready to run, and its input format. */
export interface LoadedNetwork {
  /** Runs the network, from [n,size,size,channels] to probabilities [n,classes]. Disposed with the classifier. */
  predictor: Predictor;
  /** Width and height of its input. */
  size: number;
  channels: 1 | 3;
  /** Names of its outputs, in order. */
  classes: readonly string[];
  /** Whether the names come from the network itself; otherwise the user may set them. */
  named: boolean;
  /** The normalization of its training. */
  normalization: Normalization;
  /** Frees what was loaded in addition to the predictor. */
  release?(): void;
}

/** How a classifier uses a network. */
export interface ClassifierSettings<C extends string> {
  /** How images are normalized; by default, as in the network's training. */
  normalization?: Normalization;
  /** Names of the classes: the network's own names in any order, or names for a network without names. */
  classes?: readonly C[];
  /** Offsets of the logits, unless a call has its own. */
  offsets?: ClassOffsets<C>;
}

/** Makes a classifier for a network that is loaded at first use. */
export function classifierOf<C extends string = Emotion>(
  load: () => Promise<LoadedNetwork>,
  { normalization, classes: wanted, offsets }: ClassifierSettings<C> = {},
): Classifier<C> {
  const own = offsets && { ...offsets };
  let loading: Promise<LoadedNetwork> | undefined;
  let classes: readonly C[] | undefined;
  let usual: Float64Array | undefined;
  let disposed = false;
  /** Unused input buffers for single faces. */
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
      // A failure is not cached: the network may come back.
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
    // A single face, such as the next one of a video, reuses the buffer of an earlier one.
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
