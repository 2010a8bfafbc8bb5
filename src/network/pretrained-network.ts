import { FerError } from '../errors.js';
import type { Assets } from '../platform/assets.js';
import type { Fallbacks } from './fallbacks.js';
import { type Grid, type Network, startNetwork } from './network.js';
import { layoutJson } from './pretrained-layout.js';
import { readPretrained } from './read-pretrained.js';
import { WEIGHT_SIZES } from './weight-sizes.js';
import { readWeights } from './weights-manifest.js';

/**
 * Starts the network with the pretrained weights, whose sha256 is checked.
 *
 * @param module - Null where there is no WebAssembly: see {@link startNetwork}.
 * @param weights - The bytes of `weights.bin`, or its address; by default, that of this package.
 * @throws FerError `WEIGHTS_UNREACHABLE`, `WEIGHTS_CORRUPT`; `BACKEND_UNAVAILABLE` as `startNetwork`.
 */
export async function pretrainedNetwork(
  module: WebAssembly.Module | null,
  fallbacks: Fallbacks,
  assets?: Assets,
): Promise<Network> {
  const values = await pretrainedValues(fallbacks, assets);
  const network = await startNetwork(module, fallbacks);
  network.setWeights(values, pretrainedGrid());
  return network;
}

/**
 * Reads the pretrained weights for {@link Network.setWeights}.
 *
 * @throws FerError `WEIGHTS_UNREACHABLE`, `WEIGHTS_CORRUPT`.
 */
export async function pretrainedValues(fallbacks: Pick<Fallbacks, 'sha256'>, assets?: Assets): Promise<Float32Array[]> {
  const binary = await readPretrained(assets);
  const byName = await readWeights(layoutJson, binary, fallbacks);
  return WEIGHT_NAMES.map((name, index) => {
    const found = byName.get(name);
    if (found?.length !== WEIGHT_SIZES[index]) throw new FerError('MODEL', `model.json has no fitting weight ${name}`);
    return found;
  });
}

/** The quantization grid of the first dense layer's pretrained kernel, for {@link Network.setWeights}. */
export function pretrainedGrid(): Grid | undefined {
  const entries = layoutJson.weightsManifest.flatMap(({ weights }) => weights);
  const { quantization } = entries.find(({ name }) => name === 'dense1/kernel') ?? {};
  if (quantization?.dtype !== 'uint8') return undefined;
  const { scale = 1, min = 0 } = quantization;
  return { scale, min };
}

const WEIGHT_NAMES = ['conv1', 'conv2', 'dense1', 'dense2'].flatMap((layer) => [`${layer}/kernel`, `${layer}/bias`]);
