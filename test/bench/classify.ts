/**
 * Milliseconds a face, one face and 64 at a time, on `wasm` and `cpu`: `classify` on pixels of 64x64 RGB, the network
 * alone on ready inputs, and beside them plain TF.js (`model.predict`) in a process where none of our kernels is
 * registered. `npm run bench classify`. Processes take turns, three rounds; the machine's noise falls on all alike.
 */
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import * as tf from '@tensorflow/tfjs-core';
import { loadLayersModel } from '@tensorflow/tfjs-layers';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';

const ROUNDS = 3;
const BACKENDS = ['wasm', 'cpu'] as const;
const BATCHES = [1, 64] as const;
const PATHS = { classify: 'classify', network: 'network alone', plain: 'plain TF.js' } as const;
type Backend = (typeof BACKENDS)[number];
type Path = keyof typeof PATHS;

const [, script, path, backend] = process.argv as [string, string, Path?, Backend?];
if (path !== undefined && backend !== undefined) console.log(JSON.stringify(await measure(path, backend)));
else report();

/** Runs each path on each backend in a process of its own. */
function report(): void {
  console.log('ms a face: median (least), ratio of medians to plain TF.js');
  console.log(`${' '.repeat(22)}${BATCHES.map((batch) => `  batch ${batch}`.padEnd(26)).join('')}`.trimEnd());
  for (const backend of BACKENDS) {
    const samples = Object.fromEntries(Object.keys(PATHS).map((path) => [path, BATCHES.map(() => [] as number[])]));
    for (let round = 0; round < ROUNDS; round++) {
      for (const path of Object.keys(PATHS)) {
        const args = ['tsx', script, path, backend];
        const found = JSON.parse(execFileSync('npx', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
        for (const [i, times] of (found as number[][]).entries()) samples[path][i].push(...times);
      }
    }
    const plain = samples.plain.map(median);
    for (const [path, name] of Object.entries(PATHS)) {
      const cells = samples[path].map((times, i) => {
        const ms = median(times);
        const least = Math.min(...times).toFixed(3);
        return `${ms.toFixed(3).padStart(8)} (${least})  ${(ms / plain[i]).toFixed(2)}x`.padEnd(26);
      });
      console.log(`${`${backend}, ${name}`.padEnd(22)}${cells.join('')}`.trimEnd());
    }
  }
}

/** Milliseconds a face, a list a batch size. */
async function measure(path: Path, backend: Backend): Promise<number[][]> {
  const results: number[][] = [];
  for (const batch of BATCHES) {
    const run = await (path === 'classify' ? classifier(backend, batch) : network(path, backend, batch));
    const calls = Math.max(5, Math.round((backend === 'wasm' ? 150 : 25) / Math.sqrt(batch)));
    for (let i = 0; i < Math.ceil(calls / 5); i++) await run();
    const times: number[] = [];
    for (let i = 0; i < calls; i++) {
      const from = performance.now();
      await run();
      times.push((performance.now() - from) / batch);
    }
    results.push(times);
  }
  return results;
}

async function classifier(backend: Backend, batch: number): Promise<() => Promise<unknown>> {
  const { createClassifier } = await import('../../src/index.js');
  const { classify } = createClassifier({ backend });
  const faces = Array.from({ length: batch }, (_, face) => ({
    data: Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 7 + face * 13) % 256),
    width: 64,
    height: 64,
    channels: 3 as const,
  }));
  return () => classify(faces);
}

async function network(path: Path, name: Backend, batch: number): Promise<() => Promise<unknown>> {
  const inputs = Float32Array.from({ length: batch * 1024 }, (_, i) => ((i * 7) % 256) / 255);
  if (path === 'network') {
    const { startBackend } = await import('../../src/classify/use-backend.js');
    const { tfjsPredictor } = await import('../../src/tfjs/backends/tfjs-predictor.js');
    const { loadPretrained } = await import('../../src/weights.js');
    const backend = await startBackend(name);
    const model = await loadPretrained();
    const predictor = backend.predictor?.(model) ?? tfjsPredictor(backend, model);
    return () => predictor.predict(inputs, batch);
  }
  await tf.setBackend(name);
  const model = await plainModel();
  return async () => {
    const input = tf.tensor4d(inputs, [batch, 32, 32, 1]);
    const output = model.predict(input) as tf.Tensor;
    const probabilities = await output.data();
    tf.dispose([input, output]);
    return probabilities;
  };
}

async function plainModel() {
  const folder = new URL('../../weights/', import.meta.url);
  const json = JSON.parse(await readFile(new URL('model.json', folder), 'utf8'));
  const bytes = new Uint8Array(await readFile(new URL('weights.bin', folder)));
  return loadLayersModel(
    tf.io.fromMemory({
      modelTopology: json.modelTopology,
      weightSpecs: json.weightsManifest[0].weights,
      weightData: bytes.slice().buffer,
    }),
  );
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
