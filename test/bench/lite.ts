/*
 * Classifying with the network's own WebAssembly against the engines that there are, in turns within one run: what
 * counts is the ratios. `npm run build && npx tsx test/bench/lite.ts`; docs/performance.md holds tables of it.
 * onnxruntime-web is compared with where it is installed, or where ORT_WEB names its module (ort.node.min.mjs).
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as tf from '@tensorflow/tfjs-core';
import { pixelsToInput } from '../../src/image/pixels-to-input.js';
import { useBackend } from '../../src/index.js';
import { createClassifier } from '../../src/lite.js';
import { fallbacks } from '../../src/network/fallbacks.js';
import { startNetwork } from '../../src/network/network.js';
import { fastestBuild } from '../../src/network/network-module.js';
import { pretrainedWeights } from '../../src/network/pretrained-network.js';
import { type CodedWeight, floatsOf } from '../../src/network/weight.js';
import { loadPretrained } from '../../src/weights.js';
import { simdPeak } from './kernel-peak.js';
import { onnxNetwork } from './onnx-network.js';

const ROUNDS = 60;
/** Rounds that warm caches and compilers up. */
const WARM = 15;

const builds = ['network-simd.wasm', 'network-scalar.wasm'];
if (fastestBuild() === 'network-relaxed.wasm') builds.unshift('network-relaxed.wasm');
await useBackend('wasm');
// The trained weights: how many zeros ReLU leaves decides what the first dense layer costs.
const model = await loadPretrained();
const stored = await pretrainedWeights(fallbacks);
const weights = stored.map(floatsOf);
console.log(`Node ${process.version}\n`);

await heapGrowth();
preprocessTable();
await engineTable();
await layerTable();
startTable();

async function engineTable(): Promise<void> {
  const ort = await startOrt();
  for (const batch of [1, 64]) {
    const faces = Float32Array.from({ length: batch * 1024 }, () => Math.random());
    const ways = new Map<string, () => unknown>();
    for (const build of [...builds, 'plain TypeScript']) {
      const module = builds.includes(build) ? await WebAssembly.compile(readFileSync(`dist/wasm/${build}`)) : null;
      const network = await startNetwork(module, fallbacks);
      network.setWeights(stored);
      ways.set(build, () => network.predict(faces, batch));
    }
    ways.set('TF.js wasm', async () => {
      const output = tf.tidy(() => model.predict(tf.tensor4d(faces, [batch, 32, 32, 1])) as tf.Tensor);
      await output.data();
      output.dispose();
    });
    if (ort) ways.set('onnxruntime-web', () => ort(faces, batch));

    const times = new Map<string, number[]>([...ways.keys()].map((name) => [name, []]));
    const repeats = batch === 1 ? 20 : 1;
    for (let round = -WARM; round < ROUNDS; round++) {
      for (const [name, run] of ways) {
        const start = performance.now();
        for (let i = 0; i < repeats; i++) await run();
        if (round >= 0) times.get(name)!.push((performance.now() - start) / repeats / batch);
      }
    }
    const base = median(times.get('TF.js wasm')!);
    console.table(
      [...times].map(([name, list]) => ({
        batch,
        'run by': name,
        'us a face': (1000 * median(list)).toFixed(0),
        'times TF.js wasm': (median(list) / base).toFixed(2),
      })),
    );
  }
}

async function layerTable(): Promise<void> {
  for (const build of builds.filter((name) => !name.includes('scalar'))) {
    // Without the fused instruction the probe is bound by latency, not by how much the machine can do: no share then.
    const relaxed = build.includes('relaxed');
    const peak = await simdPeak(relaxed ? 'relaxed-simd' : 'simd');
    const { exports } = await WebAssembly.instantiate(await WebAssembly.compile(readFileSync(`dist/wasm/${build}`)));
    const { place, setGrid, run, layer1, layer2, layer3, ...rest } = exports as Record<
      string,
      (...args: number[]) => void
    >;
    const { memory, stage, stageFloats, inputs } = rest as unknown as Record<string, WebAssembly.Global> & {
      memory: WebAssembly.Memory;
    };
    // As `network.ts` does.
    for (const [index, weight] of stored.entries()) {
      const codes = index === 4 && 'codes' in weight ? (weight.codes as Uint8Array) : undefined;
      if (codes) setGrid((weight as CodedWeight).scale, (weight as CodedWeight).min);
      const values = codes ?? floatsOf(weight);
      const staging = codes
        ? new Uint8Array(memory.buffer, stage.value, stageFloats.value)
        : new Float32Array(memory.buffer, stage.value, stageFloats.value);
      for (let first = 0; first < values.length; first += staging.length) {
        const part = values.subarray(first, first + staging.length);
        staging.set(part);
        place(codes ? 8 : index, first, part.length);
      }
    }
    new Float32Array(memory.buffer, inputs.value, 16 * 1024).forEach((_, i, all) => {
      all[i] = Math.random();
    });
    run(16);

    const layers: [string, number, () => void, number][] = [
      ['conv1 + pool', 32 * 32 * 32 * 9, () => layer1(), 1],
      ['conv2 + pool', 16 * 16 * 32 * 32 * 9, () => layer2(), 1],
      ['dense1', 2048 * 256, () => layer3(1), 1],
      ['dense1, 16 faces', 2048 * 256, () => layer3(16), 16],
      ['all', 3_180_800, () => run(1), 1],
      ['all, 16 faces', 3_180_800, () => run(16), 16],
    ];
    const times = layers.map(() => [] as number[]);
    const peaks: number[] = [];
    for (let round = -WARM; round < ROUNDS; round++) {
      if (round % 10 === 0) peaks.push(peak());
      layers.forEach(([, , work, faces], i) => {
        const start = performance.now();
        for (let k = 0; k < 32; k += faces) work();
        if (round >= 0) times[i].push((performance.now() - start) / 32);
      });
    }
    const top = median(peaks);
    console.log(relaxed ? `${build}: measured peak ${top.toFixed(1)} GFLOP/s` : build);
    console.table(
      layers.map(([layer, products], i) => {
        const ms = median(times[i]);
        const rate = (2 * products) / ms / 1e6;
        const time = { layer, 'us a face': (1000 * ms).toFixed(1) };
        if (!relaxed) return time;
        return {
          ...time,
          'us at peak, no tricks': ((2 * products) / top / 1e3).toFixed(1),
          'nominal share of the peak': `${((100 * rate) / top).toFixed(0)} %`,
        };
      }),
    );
  }
}

/** Whole processes, from nothing to the first answer. */
function startTable(): void {
  const face = '{ data: new Uint8Array(2304), width: 48, height: 48, channels: 1 }';
  const classify = (file: string, before = '') =>
    `import('${process.cwd()}/dist/node/${file}').then(async (fer) => { ${before} await fer.classify(${face}); })`;
  const programs: Record<string, string> = {
    'an empty program': '0',
    'fer-dcnn/lite': classify('lite.js'),
    'fer-dcnn/lite, CommonJS': `require('${process.cwd()}/dist/node/lite.cjs').classify(${face})`,
    'fer-dcnn': classify('index.js'),
    'fer-dcnn on wasm': classify('index.js', "await fer.useBackend('wasm');"),
  };
  const times = new Map(Object.keys(programs).map((name) => [name, [] as number[]]));
  for (let round = 0; round < 11; round++) {
    for (const [name, program] of Object.entries(programs)) {
      const start = performance.now();
      const { status, stderr } = spawnSync(process.execPath, ['--eval', program]);
      if (status !== 0) throw new Error(`${name}: ${stderr}`);
      times.get(name)!.push(performance.now() - start);
    }
  }
  const empty = median(times.get('an empty program')!);
  const wasm = median(times.get('fer-dcnn on wasm')!) - empty;
  console.table(
    [...times].map(([name, list]) => ({
      'a process that runs': name,
      ms: median(list).toFixed(0),
      'above empty': (median(list) - empty).toFixed(0),
      'of what TF.js adds': ((median(list) - empty) / wasm).toFixed(2),
      'least ms': Math.min(...list).toFixed(0),
    })),
  );
}

function preprocessTable(): void {
  const rows = ([1, 3, 4] as const).map((channels) => {
    const data = Uint8Array.from({ length: 640 * 480 * channels }, (_, i) => (channels === 4 && i % 4 === 3 ? 255 : i));
    const times = [];
    for (let round = -WARM; round < 100; round++) {
      const start = performance.now();
      pixelsToInput({ data, width: 640, height: 480, channels }, { normalization: 'standardize' });
      if (round >= 0) times.push(performance.now() - start);
    }
    return { '640x480': `${channels} channels`, ms: median(times).toFixed(2), least: Math.min(...times).toFixed(2) };
  });
  console.table(rows);
}

/** What stays on the heap after 10,000 frames, and what each frame leaves to collect: of pixels alone, and of all. */
async function heapGrowth(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const used = () => {
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return { heap: heapUsed / 1024, arrays: arrayBuffers / 1024 };
  };
  const settled = async () => {
    for (let i = 0; i < 4; i++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return used();
  };
  const pixels = (count: number) => {
    const frame = { data: new Uint8Array(640 * 480 * 4).fill(255), width: 640, height: 480, channels: 4 as const };
    const [box, out] = [{ x: 0, y: 0, width: 200, height: 210 }, new Float32Array(1024)];
    for (let i = 0; i < count; i++) {
      box.x = i % 8;
      pixelsToInput(frame, { normalization: 'localContrast', box, out });
    }
  };
  pixels(2000);
  const settledBefore = await settled();
  pixels(1000);
  const left = (used().heap - settledBefore.heap) * 1.024;
  pixels(9000);
  const grown = (await settled()).heap - settledBefore.heap;
  console.log(`pixels of 10,000 faces: heap ${grown.toFixed(0)} KB, to collect after each ${left.toFixed(0)} B`);

  const classifier = createClassifier();
  const image = { data: new Uint8Array(120 * 120 * 3), width: 120, height: 120, channels: 3 as const };
  const frames = async (count: number) => {
    for (let i = 0; i < count; i++) {
      image.data[i % image.data.length] = i;
      await classifier.classify(image, { box: { x: i % 8, y: i % 5, width: 100, height: 110 } });
    }
  };
  await frames(2000);
  const before = await settled();
  await frames(10_000);
  const after = await settled();
  const [heap, arrays] = [after.heap - before.heap, after.arrays - before.arrays];
  console.log(`growth over 10,000 faces: heap ${heap.toFixed(0)} KB, arrays ${arrays.toFixed(0)} KB`);

  // Few enough that nothing is collected on the way.
  await frames(5);
  const some = used();
  const garbage = [some.heap - after.heap, some.arrays - after.arrays].map((size) => (size / 5).toFixed(1));
  console.log(`to collect after each face: heap ${garbage[0]} KB, arrays ${garbage[1]} KB\n`);
  classifier.dispose();
}

// --- helpers ---

async function startOrt(): Promise<((faces: Float32Array, batch: number) => Promise<unknown>) | null> {
  const name = process.env.ORT_WEB ?? 'onnxruntime-web';
  const ort = await import(name).catch(() => null);
  if (ort === null) {
    console.log('onnxruntime-web is not installed: not compared with');
    return null;
  }
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(onnxNetwork(weights), { executionProviders: ['wasm'] });
  const run = async (faces: Float32Array, batch: number) => {
    const { y } = await session.run({ x: new ort.Tensor('float32', faces, [batch, 1, 32, 32]) });
    return y.data as Float32Array;
  };
  const faces = Float32Array.from({ length: 2048 }, () => Math.random());
  const expected = tf.tidy(() => (model.predict(tf.tensor4d(faces, [2, 32, 32, 1])) as tf.Tensor).dataSync());
  const differs = (await run(faces, 2)).some((value, i) => Math.abs(value - expected[i]) > 1e-4);
  if (differs) throw new Error('onnxruntime-web runs another network');
  return run;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
