/*
 * The convolutions of the ResNet of training-nets.json, one by one: forward, gradient of the input and gradient of the
 * filter. Prints the least time of many runs, the rate (operations counted as in direct convolution) and its share of
 * the machine's peak. Several builds of the kernels are compared in turns; the median ratio to the first is in brackets.
 *
 *     npm run build:kernels && npx tsx test/bench/convolutions.ts [build.wasm ...]
 */
import { readFileSync } from 'node:fs';
import { simdPeak } from './kernel-peak.js';

const ROUNDS = 80;
const BATCH = 16;
/** Size of the image, channels of the input and the output, size of the filter, stride. */
const LAYERS: [size: number, inputs: number, outputs: number, filter: number, stride: number][] = [
  [32, 3, 16, 3, 1],
  [32, 16, 16, 3, 1],
  [32, 16, 32, 3, 2],
  [16, 32, 32, 3, 1],
  [32, 16, 32, 1, 2],
  [16, 32, 64, 3, 2],
  [8, 64, 64, 3, 1],
  [16, 32, 64, 1, 2],
];
const PAGES = 2048;

type Kernels = Record<string, (...numbers: number[]) => number>;

const relaxed = WebAssembly.validate(
  new Uint8Array([
    ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0],
    ...[10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 11],
  ]),
);
const named = process.argv.slice(2);
const files = named.length > 0 ? named : [`dist/wasm/training${relaxed ? '-relaxed' : ''}.wasm`];
const memory = new WebAssembly.Memory({ initial: PAGES });
const floats = new Float32Array(memory.buffer);
for (let i = 0; i < floats.length / 2; i++) floats[i] = ((i * 7919) % 1009) / 1009 - 0.5;
const builds = files.map((file) => {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(file)), { env: { memory } });
  return exports as unknown as Kernels;
});
const measurePeak = await simdPeak(relaxed ? 'relaxed-simd' : 'simd');
const peak = Math.max(...Array.from({ length: 20 }, measurePeak));
console.log(
  `Node ${process.version}; peak ${peak.toFixed(1)} GFLOP/s; ms, GFLOP/s, share of the peak; ${files.join(', ')}`,
);

const totals = files.map(() => 0);
for (const [size, inputs, outputs, filter, stride] of LAYERS) {
  const runs = passes(size, inputs, outputs, filter, stride);
  const out = size / stride;
  const flops = 2 * BATCH * out * out * filter * filter * inputs * outputs;
  const count = inputs === 16 && outputs === 16 ? 2 : 1;
  for (const [pass, run] of Object.entries(runs)) {
    const least = builds.map(() => Number.POSITIVE_INFINITY);
    const ratios: number[][] = builds.map(() => []);
    for (let round = 0; round < ROUNDS; round++) {
      const times: number[] = [];
      for (let b = 0; b < builds.length; b++) {
        const at = (b + round) % builds.length;
        const before = performance.now();
        run(builds[at]);
        times[at] = performance.now() - before;
      }
      times.forEach((ms, i) => {
        least[i] = Math.min(least[i], ms);
        ratios[i].push(ms / times[0]);
      });
    }
    const row = least.map((ms, i) => {
      const rate = flops / ms / 1e6;
      const ratio = i === 0 ? '' : ` (${ratios[i].sort((a, b) => a - b)[ROUNDS >> 1].toFixed(2)})`;
      return `${ms.toFixed(3)} ${rate.toFixed(1).padStart(5)} ${((100 * rate) / peak).toFixed(0).padStart(4)}%${ratio}`;
    });
    const name = `${count} x ${size}x${size} ${inputs}->${outputs} ${filter}x${filter}/${stride} ${pass}`;
    console.log(`${name.padEnd(42)} ${row.join('   ')}`);
    if (pass !== 'input' || inputs !== 3)
      least.forEach((ms, i) => {
        totals[i] += count * ms;
      });
  }
}
console.log(`all: ${totals.map((ms) => ms.toFixed(2)).join(', ')} ms`);

/** The passes of one convolution, as the drivers call them. */
function passes(size: number, inputs: number, outputs: number, filter: number, stride: number) {
  const out = size / stride;
  const x = 1024;
  const y = x + 4 * BATCH * size * size * inputs;
  const weights = y + 4 * BATCH * out * out * outputs;
  const result = weights + 4 * filter * filter * inputs * outputs;
  const scratch = result + 4 * BATCH * size * size * Math.max(inputs, outputs);
  const turned = scratch;
  const rest = scratch + 4 * filter * filter * inputs * outputs;
  const pad = Math.max(0, (out - 1) * stride + filter - size) >> 1;
  const tile = [BATCH, size, size, inputs, outputs, out, out];
  const all = [BATCH, size, size, inputs, filter, filter, outputs, out, out, stride, stride, 1, 1];
  const turn = [weights, filter, filter, inputs, outputs, turned];
  if (filter === 3 && inputs === 3 && stride === 1) {
    // A colour image gets a fourth channel of zeros.
    const wide = [BATCH, size, size, 4, outputs, size, size];
    const filters = scratch + 16 * BATCH * size * size;
    const end = filters + 144 * outputs;
    return {
      forward(k: Kernels) {
        k.resizeRows(x, BATCH * size * size, 3, scratch, 4);
        k.resizeRows(weights, 9, 3 * outputs, filters, 4 * outputs);
        k.winograd(scratch, filters, result, ...wide, 1, 1, end);
      },
      filter(k: Kernels) {
        k.resizeRows(x, BATCH * size * size, 3, scratch, 4);
        k.winogradFilterGradient(scratch, y, filters, ...wide, 1, 1, end);
        k.resizeRows(filters, 9, 4 * outputs, result, 3 * outputs);
      },
    };
  }
  if (filter === 3 && inputs >= 8 && stride === 1) {
    const back = [BATCH, size, size, outputs, inputs, size, size];
    return {
      forward: (k: Kernels) => k.winograd(x, weights, result, ...tile, 1, 1, scratch),
      input(k: Kernels) {
        k.turnFilter(...turn);
        k.winograd(y, turned, result, ...back, 1, 1, rest);
      },
      filter: (k: Kernels) => k.winogradFilterGradient(x, y, result, ...tile, 1, 1, scratch),
    };
  }
  if (filter === 3 && inputs >= 8) {
    return {
      forward: (k: Kernels) => k.strided(x, weights, result, ...tile, pad, pad, scratch),
      input(k: Kernels) {
        k.turnFilter(...turn);
        k.stridedInputGradient(y, turned, result, ...tile, pad, pad, rest);
      },
      filter: (k: Kernels) => k.stridedFilterGradient(x, y, result, ...tile, pad, pad, scratch),
    };
  }
  return {
    forward: (k: Kernels) => k.conv2d(x, weights, result, ...all, pad, pad, scratch),
    input: (k: Kernels) => k.conv2dInputGradient(y, weights, result, ...all, pad, pad, scratch),
    filter: (k: Kernels) => k.conv2dFilterGradient(x, y, result, ...all, pad, pad, scratch),
  };
}
