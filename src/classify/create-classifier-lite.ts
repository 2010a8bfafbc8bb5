import { checkClassNames } from '../class-names.js';
import type { Emotion } from '../emotions.js';
import { type Normalization, normalizationRule } from '../image/normalize.js';
import { fallbacks } from '../network/fallbacks.js';
import { startNetwork } from '../network/network.js';
import { networkModule } from '../network/network-module.js';
import { networkWeights } from '../network/network-weights.js';
import { pretrainedFacts } from '../network/pretrained-layout.js';
import { pretrainedNetwork } from '../network/pretrained-network.js';
import type { ModelJson } from '../network/weights-manifest.js';
import { optionsOf, rule } from '../options.js';
import { type Assets, assetsRule } from '../platform/assets.js';
import { type ClassOffsets, offsetsRule } from './class-offsets.js';
import { type Classifier, classifierOf } from './classifier.js';

export interface CreateClassifierOptions<C extends string = Emotion> {
  /**
   * The address of the binaries, or the binaries themselves: `weights.bin` and one of `network-relaxed.wasm`,
   * `network-simd.wasm` and `network-scalar.wasm`. Pass the content to engines that can neither fetch nor read files.
   * Where WebAssembly is missing or forbidden, `weights.bin` is enough: plain JavaScript gives the same answers.
   * @default the files in this package
   */
  assets?: Assets;
  /**
   * A model of your own: the content of `model.json` and of its binary, as written by `saveModel`. It must be the
   * grey network of `buildModel()`, with any number of classes.
   * @default the pretrained weights
   */
  model?: { json: object; binary: Uint8Array };
  /**
   * Names of the model's classes, in the order of its outputs, for a model without names. If the model has names, these must be
   * the same, and only set the type of the result of `classify`.
   * @default the names in the model's metadata, or else `EMOTIONS` for five outputs
   */
  classes?: readonly C[];
  /**
   * How images are normalized.
   * @default the normalization of the weights' training
   */
  normalization?: Normalization;
  /**
   * Added to the logits of classes, by name: a positive number makes a class more likely. `{ angry: 0.4 }` multiplies
   * angry's probability by exp(0.4), and then all are divided by their sum. See "operating point" in the model card.
   * @default none
   */
  offsets?: ClassOffsets<NoInfer<C>>;
}

/**
 * Makes a classifier with the pretrained weights or your own model. Nothing is loaded before its first use.
 *
 * @throws FerError `OPTION`, `CLASSES` at once; at first use `WEIGHTS_UNREACHABLE`, `WEIGHTS_CORRUPT` (their sha256 is checked),
 * `WASM_UNREACHABLE`, `BACKEND_UNAVAILABLE`; `MODEL` for another network, `CLASSES` for a model or offsets with other
 * classes.
 * @example
 * const classifier = createClassifier();
 * const [best] = await classifier.classify('face.jpg');
 * classifier.dispose();
 * @example
 * import wasm from 'fer-dcnn/wasm/network-simd.wasm'; // an edge runtime gives a WebAssembly.Module
 * const classifier = createClassifier({ assets: { 'network-simd.wasm': wasm, 'weights.bin': weights } });
 */
export function createClassifier<const C extends string = Emotion>(
  options: CreateClassifierOptions<C> = {},
): Classifier<C> {
  checkOptions(options);
  const { assets, normalization, model, classes, offsets } = options;
  return classifierOf<C>(
    async () => {
      if (model !== undefined) {
        const module = await networkModule(assets);
        const own = await networkWeights(model as { json: ModelJson; binary: Uint8Array }, fallbacks);
        const network = await startNetwork(module, fallbacks);
        network.setWeights(own.weights);
        return { ...own, predictor: network, size: 32, channels: 1 };
      }
      const predictor = await pretrainedNetwork(networkModule(assets), fallbacks, assets);
      const known = { classes: pretrainedFacts.classes, named: true, normalization: pretrainedFacts.normalization };
      return { ...known, predictor, size: 32, channels: 1 };
    },
    { normalization, classes, offsets },
  );
}

const checkOptions = optionsOf<CreateClassifierOptions<string>>('createClassifier', () => ({
  assets: assetsRule,
  model: rule(
    '{ json, binary }, the content of model.json and of its weights',
    ({ json, binary }: { json: unknown; binary: unknown }) =>
      typeof json === 'object' && json !== null && binary instanceof Uint8Array,
  ),
  classes: checkClassNames,
  normalization: normalizationRule,
  offsets: offsetsRule,
}));
