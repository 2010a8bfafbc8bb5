/*
 * The activation swish and average pooling, forward and with their gradients, against TF.js's own kernels: two processes
 * on one core, in turns within one run. What counts is the ratios.
 *
 *     npm run build:kernels && npx tsx test/bench/swish-and-pool.ts
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';
import { registerTrainingKernels } from '../../src/kernels.js';

const ROUNDS = 40;
const WARM = 10;

const swish = layers.activation({ activation: 'swish' });
const pool = (size: number, stride: number) => (x: tf.Tensor) => tf.avgPool(x as tf.Tensor4D, size, stride, 'same');
const gradient = (f: (x: tf.Tensor) => tf.Tensor) => (x: tf.Tensor) => tf.grad((a) => f(a))(x);
const swished = (x: tf.Tensor) => swish.apply(x) as tf.Tensor;

const WORK: Record<string, { shape: number[]; run: (x: tf.Tensor) => tf.Tensor }> = {
  'swish, [8, 48, 48, 96]': { shape: [8, 48, 48, 96], run: swished },
  'swish with its gradient': { shape: [8, 48, 48, 96], run: gradient(swished) },
  'average pooling 2x2, stride 2, [8, 64, 64, 64]': { shape: [8, 64, 64, 64], run: pool(2, 2) },
  'average pooling 2x2 with its gradient': { shape: [8, 64, 64, 64], run: gradient(pool(2, 2)) },
  'average pooling 3x3, stride 1, [8, 32, 32, 64]': { shape: [8, 32, 32, 64], run: pool(3, 1) },
  'average pooling 3x3 with its gradient': { shape: [8, 32, 32, 64], run: gradient(pool(3, 1)) },
};

if (process.argv[2] === undefined) await compare();
else await serve(process.argv[2]);

async function compare(): Promise<void> {
  const both = [start('ours'), start('plain')];
  console.log(`Node ${process.version}; ${(await Promise.all(both.map((one) => one.next()))).join(', ')}`);
  for (const name of Object.keys(WORK)) {
    const times: [number[], number[]] = [[], []];
    for (let round = -WARM; round < ROUNDS; round++) {
      for (const [i, one] of both.entries()) {
        const ms = Number(await one.ask(name));
        if (round >= 0) times[i].push(ms);
      }
    }
    const [ours, plain] = times.map((values) => values.toSorted((a, b) => a - b)[values.length >> 1]);
    console.log(`${name}: ${ours.toFixed(2)} ms, TF.js ${plain.toFixed(2)} ms, ratio ${(ours / plain).toFixed(2)}`);
  }
  for (const one of both) one.stop();
}

/** A process that measures; it answers every name of a work with milliseconds. */
function start(kernels: 'ours' | 'plain') {
  const args = [...process.execArgv, fileURLToPath(import.meta.url), kernels];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => (await lines.next()).value as string;
  return {
    next,
    ask(name: string) {
      child.stdin.write(`${name}\n`);
      return next();
    },
    stop: () => child.stdin.end(),
  };
}

async function serve(kernels: string): Promise<void> {
  await tf.setBackend('wasm');
  const path = kernels === 'ours' ? (await registerTrainingKernels()).path : 'TF.js alone';
  console.log(path);
  const inputs = new Map<string, tf.Tensor>();
  for await (const name of createInterface({ input: process.stdin })) {
    const { shape, run } = WORK[name];
    const x = inputs.get(name) ?? tf.randomNormal(shape);
    inputs.set(name, x);
    const before = performance.now();
    const result = tf.tidy(() => run(x));
    // Reads one value: a deferred tensor is computed by then.
    const first = tf.slice(result, new Array(shape.length).fill(0), new Array(shape.length).fill(1));
    first.dataSync();
    console.log(performance.now() - before);
    tf.dispose([result, first]);
  }
}
