/*
 * One training step of the exact network, every way this machine has, in turns within one run: what counts is the
 * ratios. `npm run build:kernels && npx tsx test/bench/training-step.ts [steps] [linearity] [kernels]`;
 * docs/performance.md holds what it printed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { type KernelPath, registerTrainingKernels } from '../../src/kernels.js';
import { simdPeak } from './kernel-peak.js';
import { startJax } from './training-step-jax.js';
import { network } from './training-step-network.js';

const ROUNDS = 15;
/** Rounds that warm caches and compilers up. */
const WARM = 4;

await tf.setBackend('wasm');
const { path: best } = await registerTrainingKernels();
if (best === 'composed') throw new Error('no SIMD kernels here: npm run build:kernels');
const paths: KernelPath[] = best === 'relaxed-simd' ? ['relaxed-simd', 'simd'] : ['simd'];
const torch = await startTorch();
console.log(`Node ${process.version}; ${paths.join(', ')}; ${torch?.version ?? 'no PyTorch (python3-torch) found'}\n`);

const tables = { steps: stepTable, linearity: linearityTables, kernels: kernelTable };
const wanted = process.argv.slice(2);
for (const [name, table] of Object.entries(tables)) {
  if (wanted.length === 0 || wanted.includes(name)) await table();
}
torch?.stop();

async function stepTable(): Promise<void> {
  const cpu = await cpuStep(2);
  const jax = await jaxStep(8);
  const rows = [];
  for (const batch of [32, 64, 128]) {
    const times: Record<string, number[]> = {};
    const ours = network(batch, true);
    const plain = network(batch, false);
    const take = (name: string, ms: number, round: number) => {
      if (round < 0) return;
      times[name] ??= [];
      times[name].push(ms);
    };
    for (let round = -WARM; round < ROUNDS; round++) {
      for (const path of paths) {
        await registerTrainingKernels({ path });
        take(path, ours.step(), round);
      }
      if (torch) take('PyTorch', await torch.step(batch), round);
      if (round < 3) {
        await registerTrainingKernels({ path: 'composed' });
        take('composed', plain.step(), round + 1);
      }
    }
    ours.dispose();
    plain.dispose();
    const medians = Object.fromEntries(Object.entries(times).map(([name, list]) => [name, median(list)]));
    if (jax !== null) medians['jax-js **'] = (jax / 8) * batch;
    medians['TF.js cpu *'] = (cpu / 2) * batch;
    for (const [name, ms] of Object.entries(medians)) {
      rows.push({
        batch,
        path: name,
        ms: ms.toFixed(1),
        'ms a face': (ms / batch).toFixed(3),
        [`times ${best}`]: (ms / medians[best]).toFixed(2),
        'times PyTorch': medians.PyTorch ? (ms / medians.PyTorch).toFixed(2) : '-',
      });
    }
  }
  print('One training step (medians, in turns)', rows);
  console.log('* one step at batch 2, scaled up: a step at batch 32 takes most of a minute');
  console.log('** jax-js on wasm, median of three steps at batch 8, scaled up; without dropout\n');
}

async function jaxStep(batch: number): Promise<number | null> {
  const step = await startJax(batch);
  return step && median([await step(), await step(), await step()]);
}

async function cpuStep(batch: number): Promise<number> {
  await tf.setBackend('cpu');
  const net = network(batch, false);
  const ms = net.step();
  net.dispose();
  await tf.setBackend('wasm');
  return ms;
}

async function linearityTables(): Promise<void> {
  await registerTrainingKernels();
  const measure = (batch: number, filters: number) => {
    const net = network(batch, true, filters);
    const times = Array.from({ length: WARM + 9 }, () => net.step()).slice(WARM);
    net.dispose();
    return median(times);
  };
  const batches = [8, 16, 32, 64, 128, 256, 512].map((batch) => {
    const ms = measure(batch, 32);
    return { batch, ms: ms.toFixed(1), 'ms a face': (ms / batch).toFixed(3) };
  });
  print(`Batch (${best}, 32 filters)`, batches);
  const filters = [16, 32, 64, 128].map((count) => {
    const ms = measure(64, count);
    const work = multiplyAdds(count) * 64 * 2 * 3;
    return {
      filters: count,
      ms: ms.toFixed(1),
      'million multiply-adds a face': (multiplyAdds(count) / 1e6).toFixed(2),
      'GFLOP/s of the direct method': (work / ms / 1e6).toFixed(1),
    };
  });
  print(`Filters (${best}, batch 64)`, filters);
}

/** Of one face's forward pass. */
function multiplyAdds(filters: number): number {
  return 32 * 32 * 9 * filters + 16 * 16 * 9 * filters * filters + 64 * filters * 256 + 256 * 5;
}

async function kernelTable(): Promise<void> {
  const batch = 64;
  await registerTrainingKernels();
  const peak = await simdPeak(best as 'simd' | 'relaxed-simd');
  const net = network(batch, true);
  for (let i = 0; i < WARM; i++) net.step();
  const times = new Map<string, { ms: number[]; flop: number }>();
  const peaks: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    peaks.push(peak());
    const inRound = new Map<string, { ms: number; flop: number }>();
    const { kernels } = await tf.profile(() => {
      net.step();
    });
    for (const kernel of kernels) {
      // Ops made of others are listed beside them.
      if (kernel.name.endsWith('__op') || kernel.name === 'forward') continue;
      const [work, flop] = workOf(kernel.name, kernel.inputShapes as number[][], kernel.outputShapes as number[][]);
      const entry = inRound.get(work) ?? { ms: 0, flop: 0 };
      entry.flop += flop;
      entry.ms += (await kernel.kernelTimeMs) as number;
      inRound.set(work, entry);
    }
    for (const [work, { ms, flop }] of inRound) {
      const entry = times.get(work) ?? { ms: [], flop };
      entry.ms.push(ms);
      times.set(work, entry);
    }
  }
  const steps = Array.from({ length: ROUNDS }, () => net.step());
  net.dispose();

  const step = median(steps);
  const fastest = Math.max(...peaks);
  const rows = [...times]
    .map(([kernel, { ms, flop }]) => ({ kernel, ms: median(ms), flop }))
    .sort((a, b) => b.ms - a.ms)
    .filter(({ ms }) => ms > step / 200);
  const rest = step - rows.reduce((sum, { ms }) => sum + ms, 0);
  rows.push({ kernel: 'Adam, the rest and TF.js itself', ms: rest, flop: 0 });
  print(
    `Where a step's time goes (${best}, batch ${batch}, ${step.toFixed(1)} ms; measured peak ${fastest.toFixed(1)} GFLOP/s)`,
    rows.map(({ kernel, ms, flop }) => ({
      kernel,
      ms: ms.toFixed(2),
      share: `${((100 * ms) / step).toFixed(0)} %`,
      'GFLOP/s': flop ? (flop / ms / 1e6).toFixed(1) : '',
      'of peak': flop ? `${((100 * flop) / ms / 1e6 / fastest).toFixed(0)} %` : '',
    })),
  );
}

/** A kernel's name with what it works on, and its operations by the direct method. */
function workOf(name: string, inputs: number[][], outputs: number[][]): [string, number] {
  const size = (shape: number[]) => shape.reduce((a, b) => a * b, 1);
  const shapeOf = (shape: number[]) => shape.slice(1).join('x');
  const [first, second] = inputs;
  if (name === 'Conv2D') {
    const [height, width, channels] = second;
    return [`${name} to ${shapeOf(outputs[0])}`, 2 * size(outputs[0]) * height * width * channels];
  }
  if (name === 'Conv2DBackpropFilter') {
    const [height, width, channels] = outputs[0];
    return [`${name} from ${shapeOf(second)}`, 2 * size(second) * height * width * channels];
  }
  if (name === 'Conv2DBackpropInput') {
    const [height, width, channels] = second;
    return [`${name} from ${shapeOf(first)}`, 2 * size(first) * height * width * channels];
  }
  if (name === 'BatchMatMul') {
    // The product of all sizes, each of which appears twice among the two factors and the result.
    const flop = 2 * Math.sqrt(size(first) * size(second) * size(outputs[0]));
    return [flop > 1e7 ? `${name} of the large dense layer` : `${name} of the last layer`, flop];
  }
  return [name, 0];
}

interface Torch {
  version: string;
  step(batch: number): Promise<number>;
  stop(): void;
}

/** PyTorch on one thread in a process of its own, or null where it is not installed. */
async function startTorch(): Promise<Torch | null> {
  const script = fileURLToPath(new URL('./training-step-torch.py', import.meta.url));
  for (const python of ['/usr/bin/python3', 'python3']) {
    const child: ChildProcess = spawn(python, [script], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { ...process.env, OMP_NUM_THREADS: '1' },
    });
    child.on('error', () => {});
    const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
    const first = await lines.next();
    if (first.done) continue;
    return {
      version: first.value.replace('ready', 'PyTorch'),
      async step(batch) {
        child.stdin!.write(`${batch}\n`);
        return Number((await lines.next()).value);
      },
      stop: () => child.stdin!.end(),
    };
  }
  return null;
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

/** As a Markdown table. */
function print(title: string, rows: Record<string, string | number>[]): void {
  const columns = Object.keys(rows[0]);
  console.log(`${title}\n\n| ${columns.join(' | ')} |\n| ${columns.map(() => '---').join(' | ')} |`);
  for (const row of rows) console.log(`| ${columns.map((column) => row[column]).join(' | ')} |`);
  console.log();
}
