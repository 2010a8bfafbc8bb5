import type { Normalization } from '../image/normalize.js';
import { networkModule, type WasmSource } from '../network/network-module.js';
import { pretrained } from '../network/pretrained.js';
import { pretrainedNetwork } from '../network/pretrained-network.js';
import { type Classifier, classifierOf } from './classifier.js';

export interface CreateClassifierOptions {
  /**
   * The bytes of `fer-dcnn/weights/weights.bin`, or where it lies (in Node a path is a file). Bytes are for engines
   * that can neither fetch nor read files.
   * @default the file in this package
   */
  weights?: Uint8Array | string | URL;
  /**
   * One of `fer-dcnn/wasm/network-relaxed.wasm`, `network-simd.wasm` and `network-scalar.wasm`, as bytes, compiled, or
   * where it lies. Where WebAssembly is missing or forbidden, it is not needed: plain JavaScript gives the same answers.
   * @default the fastest that this engine runs, from this package
   */
  wasm?: WasmSource;
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
 * const classifier = createClassifier({ wasm, weights });
 */
export function createClassifier(options: CreateClassifierOptions = {}): Classifier {
  const { weights, wasm, normalization } = options;
  return classifierOf(async () => {
    const predictor = await pretrainedNetwork(await networkModule(wasm), weights);
    return { predictor, size: 32, channels: 1, normalization: pretrained.normalization };
  }, normalization);
}
