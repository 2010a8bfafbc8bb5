import { areClassNames } from '../class-names.js';
import { EMOTIONS } from '../emotions.js';
import { FerError } from '../errors.js';
import type { Normalization } from '../image/normalize.js';
import type { Fallbacks } from './fallbacks.js';
import type { ModelMetadata } from './model-metadata.js';
import { WEIGHT_SIZES } from './weight-sizes.js';
import { type ModelJson, readWeights } from './weights-manifest.js';

/** The weights of a model with the network of `buildModel()` and any number of classes, and the settings of its training. */
export interface NetworkWeights {
  /** Kernel and bias of conv1, conv2, dense1 and dense2, in this order and in TF.js's layout. */
  weights: Float32Array[];
  normalization: Normalization;
  /** Names of the outputs, in order. */
  classes: readonly string[];
  /** Whether the names come from the model. */
  named: boolean;
}

/**
 * Reads a model's weights without TF.js, for the network's own WebAssembly.
 *
 * @throws FerError `MODEL` when it is not the grey network of `buildModel()`; `WEIGHTS_CORRUPT` when the binary
 * is not the one that `json` was written with.
 */
export async function networkWeights(
  { json, binary }: { json: ModelJson; binary: Uint8Array },
  fallbacks: Pick<Fallbacks, 'sha256'>,
): Promise<NetworkWeights> {
  const byName = await readWeights(json, binary, fallbacks);
  const weights = layerNames(json.modelTopology as Topology)
    .flatMap((layer) => [byName.get(`${layer}/kernel`), byName.get(`${layer}/bias`)])
    .filter((values) => values !== undefined);
  const outputs = weights.at(-1)?.length ?? 0;
  const sizes = [...WEIGHT_SIZES.slice(0, 6), 256 * outputs, outputs];
  if (outputs === 0 || String(weights.map((values) => values.length)) !== String(sizes)) throw anotherNetwork();
  const metadata = json.userDefinedMetadata?.['fer-dcnn'] as ModelMetadata | undefined;
  return { weights, normalization: metadata?.normalization ?? 'unit', ...namesOf(metadata, outputs) };
}

/** Like `classNamesOf` for a Layers model. */
function namesOf(metadata: ModelMetadata | undefined, outputs: number): Pick<NetworkWeights, 'classes' | 'named'> {
  const given = metadata?.classes;
  const numbers = Array.from({ length: outputs }, (_, i) => `class ${i}`);
  if (areClassNames(given) && given.length === outputs && given.some((name, i) => name !== numbers[i])) {
    return { classes: given, named: true };
  }
  return { classes: given === undefined && outputs === EMOTIONS.length ? EMOTIONS : numbers, named: false };
}

interface Topology {
  class_name?: string;
  config?: { layers?: { class_name: string; config: Record<string, unknown> }[] };
}

/** The network's layers as in `model.json`, without dropout, which has no effect here. */
const LAYERS: readonly [className: string, config: Record<string, unknown>][] = [
  ['Conv2D', { filters: 32, kernel_size: [3, 3], batch_input_shape: [null, 32, 32, 1], ...convolution() }],
  ['MaxPooling2D', pooling()],
  ['Conv2D', { filters: 32, kernel_size: [3, 3], ...convolution() }],
  ['MaxPooling2D', pooling()],
  ['Flatten', {}],
  ['Dense', { units: 256, activation: 'relu', use_bias: true }],
  ['Dense', { activation: 'softmax', use_bias: true }],
];

function convolution() {
  const strides = { strides: [1, 1], dilation_rate: [1, 1], padding: 'same', data_format: 'channels_last' };
  return { ...strides, activation: 'relu', use_bias: true };
}

function pooling() {
  return { pool_size: [2, 2], strides: [2, 2], padding: 'valid', data_format: 'channels_last' };
}

/** Names of the layers that have weights, in order. */
function layerNames(topology: Topology): string[] {
  const all = topology.config?.layers;
  const layers = Array.isArray(all) ? all.filter((layer) => layer?.class_name !== 'Dropout') : [];
  const same =
    topology.class_name === 'Sequential' &&
    layers.length === LAYERS.length &&
    LAYERS.every(([className, expected], i) => {
      const { class_name, config } = layers[i] ?? ({} as Partial<(typeof layers)[number]>);
      return (
        class_name === className &&
        Object.entries(expected).every(([key, value]) => JSON.stringify(config?.[key]) === JSON.stringify(value))
      );
    });
  if (!same) throw anotherNetwork();
  return layers.map(({ config }) => String(config.name));
}

function anotherNetwork(): FerError {
  return new FerError(
    'MODEL',
    'this entry runs only the network of buildModel(), as saved by saveModel(): for others, use createClassifier({ model }) of fer-dcnn',
  );
}
