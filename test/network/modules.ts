import { readFileSync } from 'node:fs';
import { fastestBuild, type NetworkBuild } from '../../src/network/network-module.js';

/** The builds of the network that this engine runs (relaxed SIMD: from Node 22 on). */
export const BUILDS: NetworkBuild[] = ['network-scalar.wasm', 'network-simd.wasm'];
if (fastestBuild() === 'network-relaxed.wasm') BUILDS.push('network-relaxed.wasm');

export function moduleBytes(build: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(`dist/wasm/${build}`));
}
