/*
 * Finding faces by our own WebAssembly against the engines that there are, in turns within one run: what counts is the
 * ratios. `npm run build:wasm && node --import tsx test/bench/face-engine.ts`; docs/performance.md holds tables of it.
 *
 * First table: one 640x480 RGBA frame with a drawn face, milliseconds from pixels to faces. Second: each layer's share of
 * the multiply-adds, and of the machine's measured SIMD peak; in processor time, which other processes disturb less.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { blazeBlocks } from '../../src/faces/blaze-weights.js';
import { plainEngine } from '../../src/faces/plain-face-engine.js';
import { startWasmEngine } from '../../src/faces/wasm-face-engine.js';
import { useBackend } from '../../src/index.js';
import type { PixelImage } from '../../src/runtime.js';
import { DRAWN } from '../faces/drawn-images.js';
import { BUILDS, blazeWeights, faceModuleBytes } from '../faces/engines.js';
import { blazeNetwork, tfjsFaces } from '../faces/tfjs-blaze-face.js';
import { simdPeak } from './kernel-peak.js';

const ROUNDS = 60;
/** Rounds that warm caches and compilers up. */
const WARM = 10;

await useBackend('wasm');
console.log(`Node ${process.version}\n`);
await engineTable();
for (const build of BUILDS.filter((name) => name !== 'scalar')) await layerTable(build);

async function engineTable(): Promise<void> {
  const image = DRAWN['one face, 640x480, RGBA']();
  const options = { inputSize: 256, minScore: 0.5 };
  const ways = new Map<string, () => unknown>();
  for (const build of BUILDS.toReversed()) {
    const engine = await startWasmEngine(await WebAssembly.compile(faceModuleBytes(build)), blazeWeights);
    ways.set(`ours, ${build}`, () => engine.find(image, options));
  }
  const network = blazeNetwork(blazeWeights);
  ways.set('BlazeFace on TF.js', () => tfjsFaces(network, image, 256, 0.5));
  for (const size of [224, 416]) ways.set(`face-api, tiny at ${size}`, await faceApi(image, size));
  ways.set("Human's BlazeFace", await human(image));

  const times = new Map([...ways.keys()].map((name) => [name, [] as number[]]));
  for (let round = -WARM; round < ROUNDS; round++) {
    for (const [name, run] of ways) {
      const start = performance.now();
      await run();
      if (round >= 0) times.get(name)!.push(performance.now() - start);
    }
  }
  const base = times.get('BlazeFace on TF.js')!;
  console.table(
    [...times].map(([name, list]) => ({
      'found by': name,
      median: median(list).toFixed(1),
      least: Math.min(...list).toFixed(1),
      'TF.js takes times': (median(base) / median(list)).toFixed(1),
    })),
  );
  const plain = plainEngine(blazeWeights);
  plain.find(image, options);
  const start = performance.now();
  plain.find(image, options);
  console.log(`in TypeScript: ${(performance.now() - start).toFixed(0)} ms\n`);
}

async function layerTable(build: string): Promise<void> {
  const peak = await simdPeak(build === 'relaxed' ? 'relaxed-simd' : 'simd');
  const { exports } = await WebAssembly.instantiate(await WebAssembly.compile(faceModuleBytes(build)));
  const module = exports as unknown as LayerExports;
  new Uint8Array(module.memory.buffer).set(blazeWeights, module.stage(blazeWeights.length));
  module.widen();
  module.arrange(256, 192);
  const levels = Float32Array.from({ length: 256 * 192 * 3 }, (_, k) => 128 + 100 * Math.sin(k * 0.013));
  const at = module.room(4 * levels.length);
  new Float32Array(module.memory.buffer).set(levels, at / 4);
  module.levelRows(0, 192, at, 256);

  const groups = groupsOf(256, 192).map((group) => ({ ...group, times: [] as number[] }));
  const peaks: number[] = [];
  for (let round = -WARM; round < ROUNDS; round++) {
    peaks.push(peak());
    for (const { layers, times } of groups) {
      const start = process.cpuUsage().user;
      for (const { index, rows } of layers) for (let j = 0; j < rows; j++) module.rowOfLayer(index, j);
      if (round >= 0) times.push((process.cpuUsage().user - start) / 1000);
    }
  }
  const all = groups.reduce((sum, { times }) => sum + quartile(times), 0);
  console.log(`${build}: peak ${Math.max(...peaks).toFixed(0)} GFLOP/s, all layers ${all.toFixed(1)} ms`);
  console.table(
    groups.map(({ name, layers, times }) => {
      const products = layers.reduce((sum, layer) => sum + layer.products, 0);
      const speed = (2 * products) / quartile(times) / 1e6;
      return {
        layers: name,
        'M multiply-adds': (products / 1e6).toFixed(1),
        ms: quartile(times).toFixed(2),
        'GFLOP/s': speed.toFixed(0),
        'of the peak': `${((100 * speed) / Math.max(...peaks)).toFixed(0)}%`,
      };
    }),
  );
}

interface LayerExports {
  memory: WebAssembly.Memory;
  stage(bytes: number): number;
  widen(): void;
  arrange(width: number, height: number): number;
  room(bytes: number): number;
  levelRows(from: number, end: number, levels: number, width: number): void;
  rowOfLayer(index: number, row: number): void;
}

/** Layers of one kind: rows that they give, multiply-adds. */
function groupsOf(width: number, height: number) {
  let rows = height / 2;
  let columns = width / 2;
  const first = { index: 0, rows, products: rows * columns * 75 * 24 };
  const groups = [{ name: `first, ${columns}x${rows}`, layers: [first] }];
  for (const [k, { from, to, stride }] of blazeBlocks().entries()) {
    rows /= stride;
    columns /= stride;
    const name = `${from === to ? to : `${from} to ${to}`} channels, ${stride === 2 ? 'halved to ' : ''}${columns}x${rows}`;
    if (groups.at(-1)?.name !== name) groups.push({ name, layers: [] });
    groups.at(-1)!.layers.push({ index: k + 1, rows, products: rows * columns * from * (9 + to) });
  }
  return groups;
}

async function faceApi({ data, width, height }: PixelImage, inputSize: number): Promise<() => Promise<void>> {
  const api = createRequire(import.meta.url)('@vladmandic/face-api/dist/face-api.node-wasm.js');
  await api.nets.tinyFaceDetector.loadFromDisk('node_modules/@vladmandic/face-api/model');
  return async () => {
    const image = tf.tidy(() => tf.slice(tf.tensor3d(Float32Array.from(data), [height, width, 4]), 0, [-1, -1, 3]));
    await api.detectAllFaces(image, new api.TinyFaceDetectorOptions({ inputSize }));
    image.dispose();
  };
}

/** The same weights at 256x256, as its own graph model, without meshes and all that it has besides. */
async function human({ data, width, height }: PixelImage): Promise<() => Promise<void>> {
  const { Human } = createRequire(import.meta.url)(resolve('node_modules/@vladmandic/human/dist/human.node-wasm.js'));
  const off = { enabled: false };
  // It reads its models by HTTP alone.
  const server = createServer((request, response) => {
    response.end(readFileSync(`node_modules/@vladmandic/human/models${request.url}`));
  }).listen(0);
  const instance = new Human({
    backend: 'wasm',
    wasmPath: 'node_modules/@tensorflow/tfjs-backend-wasm/dist/',
    modelBasePath: `http://localhost:${(server.address() as AddressInfo).port}/`,
    debug: false,
    cacheSensitivity: 0,
    filter: off,
    gesture: off,
    body: off,
    hand: off,
    object: off,
    face: {
      enabled: true,
      detector: { rotation: false, skipFrames: 0, skipTime: 0 },
      ...{ mesh: off, iris: off, emotion: off, description: off },
    },
  });
  await instance.init();
  await instance.load();
  server.close();
  return async () => {
    const image = instance.tf.tidy(() =>
      instance.tf.slice(instance.tf.tensor3d(Float32Array.from(data), [height, width, 4]), 0, [-1, -1, 3]),
    );
    await instance.detect(image);
    instance.tf.dispose(image);
  };
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

function quartile(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 2];
}
