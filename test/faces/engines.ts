import { readFileSync } from 'node:fs';
import type { FaceEngine } from '../../src/faces/face-engine.js';
import { plainEngine } from '../../src/faces/plain-face-engine.js';
import { startWasmEngine } from '../../src/faces/wasm-face-engine.js';
import { fastestWasm } from '../../src/platform/wasm-module.js';

export const blazeWeights = new Uint8Array(readFileSync('dist/faces/blazeface.bin'));

export function faceModuleBytes(build: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(`dist/wasm/faces-${build}.wasm`));
}

/** The builds of the module that this engine runs (relaxed SIMD: from Node 22 on). */
export const BUILDS = ['scalar', 'simd', ...(fastestWasm() === 'relaxed' ? ['relaxed'] : [])];

/** The build that rounds to 16-bit integers: scores within 1e-3 and places within half a pixel are its promise. The others are exact. */
export const ROUNDED = 'simd';

/** Ways through BlazeFace, by name: the builds that run here, and TypeScript. */
export const ENGINES: [string, () => Promise<FaceEngine>][] = [
  ...BUILDS.map((build): [string, () => Promise<FaceEngine>] => [
    build,
    async () => startWasmEngine(await WebAssembly.compile(faceModuleBytes(build)), blazeWeights),
  ]),
  ['plain', async () => plainEngine(blazeWeights)],
];
