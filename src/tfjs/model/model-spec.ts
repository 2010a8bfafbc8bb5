import type { LayersModel } from '@tensorflow/tfjs-layers';
import { areClassNames } from '../../class-names.js';
import { checkIsModel } from '../../classify/layers-model-like.js';
import { EMOTIONS } from '../../emotions.js';
import { FerError } from '../../errors.js';
import { metadataOf } from './metadata.js';

/** The input and output shape of a model. */
export interface ModelSpec {
  height: number;
  width: number;
  channels: number;
  /** Numbers per input: height * width * channels. */
  inputSize: number;
  classes: number;
}

/**
 * Reads the shapes off a model with one image input and one output of class probabilities.
 *
 * @throws FerError `MODEL` for any other model.
 */
export function specOf(model: LayersModel): ModelSpec {
  checkIsModel(model);
  if (model.inputs.length !== 1 || model.outputs.length !== 1) {
    throw new FerError(
      'MODEL',
      `expected a model with one input and one output, this one has ${model.inputs.length} and ${model.outputs.length}`,
    );
  }
  const input = model.inputs[0].shape.slice(1);
  const output = model.outputs[0].shape.slice(1);
  if (input.length !== 3 || input.some((size) => size === null) || output.length !== 1 || output[0] === null) {
    throw new FerError(
      'MODEL',
      `expected a model from [n,height,width,channels] to [n,classes], this one goes from [n,${input}] to [n,${output}]`,
    );
  }
  if (output[0] < 2) {
    throw new FerError(
      'MODEL',
      'expected a model with two classes or more, this one has one output: end it with Dense(2, softmax)',
    );
  }
  const [height, width, channels] = input as number[];
  return { height, width, channels, inputSize: height * width * channels, classes: output[0] };
}

/** Number of channels in which images are read for a model. @throws FerError `CHANNELS` when it is neither 1 nor 3. */
export function sampleChannels(spec: ModelSpec): 1 | 3 {
  if (spec.channels !== 1 && spec.channels !== 3) {
    throw new FerError('CHANNELS', `images have 1 or 3 channels, the model expects ${spec.channels}: pass tensors`);
  }
  return spec.channels;
}

/** Names of a model's classes: from its metadata; without them, the emotions for five classes, or else numbers. */
export function classNamesOf(model: LayersModel): readonly string[] {
  const { classes } = specOf(model);
  const given = givenClassNames(model);
  if (given !== undefined) return given;
  const silent = metadataOf(model).classes === undefined;
  return silent && classes === EMOTIONS.length ? EMOTIONS : Array.from({ length: classes }, (_, i) => `class ${i}`);
}

/**
 * Names of a model's outputs, for evaluation on data with its own class names.
 *
 * @throws FerError `CLASSES` when the model has no names, so that its outputs cannot be matched.
 */
export function outputNamesFor(model: LayersModel, data: readonly string[] | undefined): readonly string[] {
  const given = givenClassNames(model);
  const names = classNamesOf(model);
  if (given === undefined && data !== undefined && data.some((name) => !names.includes(name))) {
    throw new FerError(
      'CLASSES',
      `the data has the classes ${data.join(', ')}; the model has no names for its ${names.length} outputs: pass them as \`classes\`, in order`,
    );
  }
  return names;
}

/** The class names in a model's metadata; undefined if it has none that fit. */
export function givenClassNames(model: LayersModel): readonly string[] | undefined {
  const named = metadataOf(model).classes;
  if (!areClassNames(named) || named.length !== specOf(model).classes) return undefined;
  // Earlier versions wrote numbers instead of names.
  return named.every((name, i) => name === `class ${i}`) ? undefined : named;
}
