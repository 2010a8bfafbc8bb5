import type { Assets } from '../platform/assets.js';
import type { Fallbacks } from './fallbacks.js';
import { type Network, startNetwork } from './network.js';
import { layoutJson } from './pretrained-layout.js';
import { readPretrained } from './read-pretrained.js';
import type { Weight } from './weight.js';
import { storedWeights } from './weights-manifest.js';

/**
 * Starts the network with the pretrained weights, whose sha256 is checked.
 *
 * @param module - Null where there is no WebAssembly: see {@link startNetwork}.
 * @param weights - The bytes of `weights.bin`, or its address; by default, that of this package.
 * @throws FerError `WEIGHTS_UNREACHABLE`, `WEIGHTS_CORRUPT`; `BACKEND_UNAVAILABLE` as `startNetwork`.
 */
export async function pretrainedNetwork(
  module: WebAssembly.Module | null | Promise<WebAssembly.Module | null>,
  fallbacks: Fallbacks,
  assets?: Assets,
): Promise<Network> {
  const [weights, network] = await Promise.all([
    pretrainedWeights(fallbacks, assets),
    Promise.resolve(module).then((compiled) => startNetwork(compiled, fallbacks)),
  ]);
  network.setWeights(weights);
  return network;
}

/**
 * Reads the pretrained weights for {@link Network.setWeights}.
 *
 * @throws FerError `WEIGHTS_UNREACHABLE`, `WEIGHTS_CORRUPT`.
 */
export async function pretrainedWeights(fallbacks: Pick<Fallbacks, 'sha256'>, assets?: Assets): Promise<Weight[]> {
  const byName = await storedWeights(layoutJson, await readPretrained(assets), fallbacks);
  return WEIGHT_NAMES.map((name) => byName.get(name)!);
}

const WEIGHT_NAMES = ['conv1', 'conv2', 'dense1', 'dense2'].flatMap((layer) => [`${layer}/kernel`, `${layer}/bias`]);
