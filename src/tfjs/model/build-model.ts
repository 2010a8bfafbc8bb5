import type { Sequential } from '@tensorflow/tfjs-layers';
import { anything, number, oneOf, optionsOf, rule } from '../../options.js';
import { type BuildModelOptions, reportNetwork } from './report-network.js';

/**
 * Builds the two-convolution network of the report "Facial Emotion Recognition Using Deep Convolutional Neural
 * Network", untrained: Glorot uniform kernels (Glorot and Bengio, 2010), zero biases. 535,397 parameters with one
 * input channel, 535,973 with three; about 3.18 million multiply-adds per face.
 *
 * @returns A `tf.Sequential` from [n,32,32,channels] to softmax probabilities [n,classes]; five are in the order of `EMOTIONS`.
 * @throws FerError `CLASSES` for repeated names, or a number below 2 or not whole; `OPTION` for a dropout rate, seed or channel count out of range.
 * @example
 * const model = buildModel({ seed: 1 });
 * await train(model, imageFolder('faces/train'), { epochs: 20, seed: 1 });
 */
export function buildModel(options: BuildModelOptions = {}): Sequential {
  checkOptions(options);
  // A separate module: if code that is loaded by import() shared it, bundles of `classify` alone would contain TF.js.
  return reportNetwork(options);
}

const checkOptions = optionsOf<BuildModelOptions>('buildModel', () => ({
  // Checked by `unitsOf`, as `CLASSES`.
  classes: anything,
  channels: oneOf(1, 3),
  dropout: number('in [0, 1)', (value) => value >= 0 && value < 1),
  seed: rule('a non-negative integer', (value: number) => Number.isSafeInteger(value) && value >= 0),
}));
