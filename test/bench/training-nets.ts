/*
 * Training steps of nets that others train, under TF.js's own layers and Adam, against PyTorch on the same core, in
 * turns within one run: what counts is the ratios. Times are the processor's, of all threads of the process: on a busy
 * machine they say more than those of the clock.
 *
 *     npm run build:kernels && npx tsx test/bench/training-nets.ts [net ...] [--profile]
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { input, type LayersModel, layers, model as modelOf, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import { registerTrainingKernels } from '../../src/kernels.js';

const ROUNDS = 25;
/**
 * Steps until the engine has compiled all hot code with its last compiler. Until then, times are falling: those of the first
 * 15 steps are 1.3 times as long.
 */
const WARM = 100;
/** PyTorch compiles nothing; its first steps fill caches. */
const TORCH_WARM = 8;
/** The Python of the Debian package python3-torch; another by PYTHON. */
const { PYTHON = '/usr/bin/python3' } = process.env;

type Part = [string, ...unknown[]];
interface Spec {
  input: [number, number, number];
  batch: number;
  layers: Part[];
}

const specs = JSON.parse(readFileSync(new URL('training-nets.json', import.meta.url), 'utf8')) as Record<string, Spec>;
const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
await tf.setBackend('wasm');
const { path } = await registerTrainingKernels();
const torch = process.argv.includes('--profile') ? null : await startTorch();
console.log(`Node ${process.version}; ${path}; PyTorch ${torch?.version ?? 'not run'}`);

for (const [name, spec] of Object.entries(specs)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const net = start(spec);
  if (process.argv.includes('--profile')) await profile(name, net);
  else await compare(name, net);
  net.dispose();
}
torch?.stop();

interface Net {
  step(): Promise<number>;
  dispose(): void;
}

async function compare(name: string, net: Net): Promise<void> {
  const [ours, theirs]: number[][] = [[], []];
  for (let i = 0; i < WARM; i++) await net.step();
  for (let i = 0; i < TORCH_WARM; i++) await torch?.step(name);
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await net.step());
    theirs.push(torch === null ? Number.NaN : await torch.step(name));
  }
  const [mine, other] = [median(ours), median(theirs)];
  const ratio = median(ours.map((ms, i) => ms / theirs[i]));
  console.log(`${name}: ${mine.toFixed(0)} ms, PyTorch ${other.toFixed(0)} ms, ratio ${ratio.toFixed(2)}`);
}

/** Time by kernel in one step, without that of the kernels that it calls; of several steps the least for every call. */
async function profile(name: string, net: Net): Promise<void> {
  for (let i = 0; i < WARM; i++) await net.step();
  let calls: { kernel: string; ms: number }[] = [];
  let inner = 0;
  for (const { kernelName, kernelFunc } of tf.getKernelsForBackend('wasm')) {
    tf.unregisterKernel(kernelName, 'wasm');
    tf.registerKernel({
      kernelName,
      backendName: 'wasm',
      kernelFunc(args) {
        const outer = inner;
        inner = 0;
        const call = { kernel: `${kernelName} ${shapesOf(args.inputs)}`, ms: 0 };
        calls.push(call);
        const before = performance.now();
        const result = kernelFunc(args);
        const ms = performance.now() - before;
        call.ms = ms - inner;
        inner = outer + ms;
        return result;
      },
    });
  }
  const least: typeof calls = [];
  const totals: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    calls = [];
    const before = performance.now();
    await net.step();
    totals.push(performance.now() - before);
    calls.forEach(({ kernel, ms }, i) => {
      least[i] = { kernel, ms: Math.min(ms, least[i]?.ms ?? Number.POSITIVE_INFINITY) };
    });
  }
  const total = Math.min(...totals);
  const within = least.reduce((sum, { ms }) => sum + ms, 0);
  console.log(`${name}: ${total.toFixed(1)} ms, ${within.toFixed(1)} of it in ${least.length} kernels`);
  for (const detailed of [false, true]) {
    const rows = new Map<string, { ms: number; count: number }>();
    for (const { kernel, ms } of least) {
      const key = detailed ? kernel : kernel.slice(0, kernel.indexOf(' '));
      const row = rows.get(key) ?? { ms: 0, count: 0 };
      rows.set(key, { ms: row.ms + ms, count: row.count + 1 });
    }
    const largest = [...rows].sort(([, a], [, b]) => b.ms - a.ms).slice(0, 24);
    for (const [key, { ms, count }] of largest)
      console.log(`  ${ms.toFixed(2).padStart(8)} ms ${String(count).padStart(5)} ${key}`);
  }
}

function shapesOf(inputs: object): string {
  return Object.values(inputs as Record<string, tf.TensorInfo | undefined>)
    .map((x) => (x === undefined ? '' : `[${x.shape}]`))
    .join(' ');
}

function start({ input: shape, batch, layers: parts }: Spec): Net {
  const x = input({ shape });
  const model = modelOf({ inputs: x, outputs: build(x, parts) }) as LayersModel;
  model.compile({ optimizer: tf.train.adam(1e-3), loss: tf.losses.softmaxCrossEntropy as never });
  const xs = tf.randomUniform([batch, ...shape]);
  const ys = tf.tidy(() => tf.cast(tf.oneHot(tf.range(0, batch, 1, 'int32'), 7), 'float32'));
  return {
    async step() {
      const before = process.cpuUsage();
      await model.trainOnBatch(xs, ys);
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1e3;
    },
    dispose() {
      model.dispose();
      tf.dispose([xs, ys]);
    },
  };
}

function build(x: SymbolicTensor, parts: Part[]): SymbolicTensor {
  return parts.reduce((at, [kind, ...args]) => {
    const [a, b, c] = args as number[];
    const shared = { padding: 'same' as const, useBias: false };
    switch (kind) {
      case 'conv':
        return layers.conv2d({ ...shared, filters: a, kernelSize: b, strides: c }).apply(at) as SymbolicTensor;
      case 'dw':
        return layers.depthwiseConv2d({ ...shared, kernelSize: a, strides: b }).apply(at) as SymbolicTensor;
      case 'bn':
        return layers.batchNormalization().apply(at) as SymbolicTensor;
      case 'relu':
        return layers.reLU().apply(at) as SymbolicTensor;
      case 'relu6':
        return layers.reLU({ maxValue: 6 }).apply(at) as SymbolicTensor;
      case 'pool':
        return layers.maxPooling2d({ poolSize: a }).apply(at) as SymbolicTensor;
      case 'residual': {
        const [main, shortcut] = args as Part[][];
        return layers.add().apply([build(at, main), build(at, shortcut)]) as SymbolicTensor;
      }
      case 'gap':
        return layers.globalAveragePooling2d({}).apply(at) as SymbolicTensor;
      case 'flatten':
        return layers.flatten().apply(at) as SymbolicTensor;
      case 'dense':
        return layers.dense({ units: a }).apply(at) as SymbolicTensor;
      default:
        throw new Error(`no layer ${kind}`);
    }
  }, x);
}

async function startTorch() {
  const script = fileURLToPath(new URL('training-nets-torch.py', import.meta.url));
  const child: ChildProcess = spawn(PYTHON, [script], { stdio: ['pipe', 'pipe', 'ignore'] });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const ready = await lines.next();
  if (ready.done) return null;
  return {
    version: ready.value.split(' ')[1],
    async step(name: string): Promise<number> {
      child.stdin!.write(`${name}\n`);
      return Number((await lines.next()).value);
    },
    stop: () => child.stdin!.end(),
  };
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
