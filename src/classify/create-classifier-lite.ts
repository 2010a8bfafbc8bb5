import type { Normalization } from '../image/normalize.js';
import { networkModule } from '../network/network-module.js';
import { pretrainedFacts } from '../network/pretrained-layout.js';
import { pretrainedNetwork } from '../network/pretrained-network.js';
import type { Assets } from '../platform/assets.js';
import { type Classifier, classifierOf } from './classifier.js';

export interface CreateClassifierOptions {
  /**
   * Where the binaries lie, or the binaries themselves: `weights.bin` and one of `network-relaxed.wasm`,
   * `network-simd.wasm` and `network-scalar.wasm`. Content is for engines that can neither fetch nor read files;
   * where WebAssembly is missing or forbidden, `weights.bin` is enough: plain JavaScript gives the same answers.
   * @default the files in this package
   */
  assets?: Assets;
  /**
   * How images are normalised.
   * @default what the weights were trained with
   */
  normalization?: Normalization;
}

/**
 * Makes a classifier of the pretrained weights. Nothing is loaded before its first use.
 *
 * @throws FerError `OPTION` at once; at first use `WEIGHTS_UNREACHABLE`, `WEIGHTS_CORRUPT` (their sha256 is checked),
 * `WASM_UNREACHABLE`, `BACKEND_UNAVAILABLE`.
 * @example
 * const classifier = createClassifier();
 * const [best] = await classifier.classify('face.jpg');
 * classifier.dispose();
 * @example
 * import wasm from 'fer-dcnn/wasm/network-simd.wasm'; // an edge runtime gives a WebAssembly.Module
 * const classifier = createClassifier({ assets: { 'network-simd.wasm': wasm, 'weights.bin': weights } });
 */
export function createClassifier(options: CreateClassifierOptions = {}): Classifier {
  const { assets, normalization } = options;
  return classifierOf(async () => {
    const predictor = await pretrainedNetwork(await networkModule(assets), assets);
    return { predictor, size: 32, channels: 1, normalization: pretrainedFacts.normalization };
  }, normalization);
}
