import { FerError } from '../errors.js';
import { fallbacksOnDemand } from '../network/fallbacks-on-demand.js';
import { type Network, startNetwork } from '../network/network.js';
import { networkModule } from '../network/network-module.js';
import type { Predictor } from '../network/predictor.js';
import { pretrainedNetwork } from '../network/pretrained-network.js';
import type { Backend, BackendOptions } from './backend.js';
import { followWeights } from './follow-weights.js';
import type { LayersModelLike } from './layers-model-like.js';

/**
 * Runs only the network of `buildModel()`, in this package's own WebAssembly: several times faster than TF.js, with equal results
 * up to rounding; in plain JavaScript where WebAssembly is missing or forbidden. Other models and tensors run on TF.js's `wasm`.
 */
export function simdBackend({ assets }: BackendOptions): Backend {
  let module: WebAssembly.Module | null;
  return {
    name: 'simd',
    tfjsName: 'wasm',
    async start() {
      module = await networkModule(assets);
    },
    predictor: (model) => (isTheNetwork(model) ? networkPredictor(module, model) : undefined),
    pretrained: () => pretrainedNetwork(module, fallbacksOnDemand, assets),
  };
}

/** The layers of the network, for any number of classes, without dropout, which has no effect here. */
const LAYERS: [className: string, config: Record<string, unknown>][] = [
  ['Conv2D', { filters: 32, kernelSize: [3, 3], ...convolution() }],
  ['MaxPooling2D', pooling()],
  ['Conv2D', { filters: 32, kernelSize: [3, 3], ...convolution() }],
  ['MaxPooling2D', pooling()],
  ['Flatten', {}],
  ['Dense', { units: 256, activation: 'relu', useBias: true }],
  ['Dense', { activation: 'softmax', useBias: true }],
];

function convolution() {
  const strides = { strides: [1, 1], dilationRate: [1, 1], padding: 'same', dataFormat: 'channelsLast' };
  return { ...strides, activation: 'relu', useBias: true };
}

function pooling() {
  return { poolSize: [2, 2], strides: [2, 2], padding: 'valid', dataFormat: 'channelsLast' };
}

function isTheNetwork(model: LayersModelLike): boolean {
  if (model.getClassName() !== 'Sequential') return false;
  if (String(model.inputs[0].shape.slice(1)) !== '32,32,1') return false;
  const layers = model.layers.filter((layer) => !['InputLayer', 'Dropout'].includes(layer.getClassName()));
  return (
    layers.length === LAYERS.length &&
    LAYERS.every(([className, expected], i) => {
      const config = layers[i].getConfig() as Record<string, unknown>;
      return (
        layers[i].getClassName() === className &&
        Object.entries(expected).every(([key, value]) => JSON.stringify(config[key]) === JSON.stringify(value))
      );
    })
  );
}

/** Watches the model: if training changes the weights, they are read again before the next face. */
function networkPredictor(module: WebAssembly.Module | null, model: LayersModelLike): Predictor {
  let starting: Promise<Network> | undefined;
  let disposed = false;
  const upToDate = followWeights(model, async (weights) => (await started()).setWeights(weights));

  function started(): Promise<Network> {
    starting ??= startNetwork(module, fallbacksOnDemand);
    return starting;
  }

  return {
    async predict(inputs, n) {
      if (disposed) throw new FerError('DISPOSED', 'the model has been disposed');
      await upToDate();
      return (await started()).predict(inputs, n);
    },
    dispose() {
      disposed = true;
      starting?.then(
        (network) => network.dispose(),
        () => {},
      );
    },
  };
}
