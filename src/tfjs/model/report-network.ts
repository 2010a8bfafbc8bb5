import type { Sequential } from '@tensorflow/tfjs-layers';
import { tfjs } from '#tfjs';
import { checkClassNames } from '../../class-names.js';
import { EMOTIONS } from '../../emotions.js';
import { FerError } from '../../errors.js';
import { quietCpu, registerCpu } from '../backends/register-cpu.js';
import { underFreeName, withAddWeight } from './add-weight.js';
import { setMetadata } from './metadata.js';

export interface BuildModelOptions {
  /**
   * The classes: their names, in the order of the outputs, or their number. Names are stored in the model's metadata; a
   * model without names takes the names of its training data.
   * @default 5
   */
  classes?: number | readonly string[];
  /**
   * Input channels: 1 is grey (luma), 3 is RGB.
   * @default 1
   */
  channels?: 1 | 3;
  /**
   * Rate of both dropout layers, 0 <= rate < 1.
   * @default 0.2
   */
  dropout?: number;
  /**
   * A non-negative integer: the same seed gives the same initial weights. Without a seed, they differ from call to call.
   */
  seed?: number;
}

/** The network of `buildModel()`, for checked options. */
export function reportNetwork(options: BuildModelOptions): Sequential {
  const { channels = 1, dropout = 0.2, seed } = options;

  const { classes = EMOTIONS.length } = options;
  const units = unitsOf(classes);

  const { core, layers: tfl } = tfjs();
  const { initializers, layers, sequential } = tfl;
  // TF.js reads a seed of 0 as "none", so every layer's seed starts at 1.
  const glorot = (layer: number) =>
    initializers.glorotUniform({ seed: seed === undefined ? undefined : ((seed * 8 + layer) % 2 ** 31) + 1 } as {
      seed: number;
    });
  const convolution = (name: string, layer: number) => ({
    name,
    filters: 32,
    kernelSize: 3,
    padding: 'same' as const,
    activation: 'relu' as const,
    kernelInitializer: glorot(layer),
  });

  // A model allocates its weights immediately, so TF.js needs a backend that starts synchronously: `cpu`.
  registerCpu();
  core.backend();
  quietCpu();
  const model = withAddWeight(layers.Layer.prototype, underFreeName, () =>
    sequential({
      name: 'fer_dcnn',
      layers: [
        layers.conv2d({ ...convolution('conv1', 0), inputShape: [32, 32, channels] }),
        layers.maxPooling2d({ name: 'pool1', poolSize: 2 }),
        layers.dropout({ name: 'dropout1', rate: dropout }),
        layers.conv2d(convolution('conv2', 1)),
        layers.maxPooling2d({ name: 'pool2', poolSize: 2 }),
        layers.dropout({ name: 'dropout2', rate: dropout }),
        layers.flatten({ name: 'flatten' }),
        layers.dense({ name: 'dense1', units: 256, activation: 'relu', kernelInitializer: glorot(2) }),
        layers.dense({
          name: 'dense2',
          units,
          activation: 'softmax',
          kernelInitializer: glorot(3),
        }),
      ],
    }),
  );
  if (typeof classes !== 'number') setMetadata(model, { classes: [...classes] });
  return model;
}

function unitsOf(classes: number | readonly string[]): number {
  if (typeof classes !== 'number') {
    checkClassNames(classes);
    if (classes.length >= 2) return classes.length;
    throw new FerError('CLASSES', `classes must be two names or more, got ${classes[0]}`);
  }
  if (Number.isSafeInteger(classes) && classes >= 2 && classes <= MOST_CLASSES) return classes;
  throw new FerError('CLASSES', `classes must be names, or a whole number from 2 to ${MOST_CLASSES}, got ${classes}`);
}

/** For a last layer with 256 inputs: the number of weights that can be loaded again. */
const MOST_CLASSES = 2 ** 16;
