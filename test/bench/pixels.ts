/**
 * What is done to pixels before a network sees them, by the SIMD kernels and by TypeScript alone, in turns:
 * `npx tsx test/bench/pixels.ts`. docs/performance.md holds what it printed.
 */
import { normalize } from '../../src/image/normalize.js';
import { usePixelKernels } from '../../src/image/pixel-kernels.js';
import { pixelsToInput } from '../../src/image/pixels-to-input.js';
import { resample } from '../../src/image/resample.js';
import { augment } from '../../src/train/augment.js';
import { randomStream } from '../../src/train/random.js';

const face = Float32Array.from({ length: 48 * 48 }, (_, i) => (i * 7919) % 256);
const levels = { data: face, width: 48, height: 48, channels: 1 as const };
const changed = new Float32Array(face.length);
const small = resample(levels);
const input = new Float32Array(small.length);
const changes = { flip: true, rotation: 10, shift: 0.08, scale: 0.1, contrast: 0.2, erasing: 0.25 };
const frame = (channels: 1 | 3 | 4) => {
  const data = Uint8Array.from({ length: 640 * 480 * channels }, (_, i) =>
    channels === 4 && i % 4 === 3 ? 255 : i * 31,
  );
  return () => pixelsToInput({ data, width: 640, height: 480, channels }, { normalization: 'standardize', out: input });
};

const works: Record<string, (round: number) => unknown> = {
  'frame of 640x480, grey, to an input': frame(1),
  'frame of 640x480, RGB, to an input': frame(3),
  'frame of 640x480, RGBA, to an input': frame(4),
  'face of 48x48, augmented': (round) => augment(levels, 255, changes, randomStream(1, round), changed),
  'face of 48x48 to 32x32': () => resample({ ...levels, data: changed }, { out: input }),
  'local contrast of 32x32': () => {
    input.set(small);
    normalize(input, { normalization: 'localContrast' });
  },
};
const rows = Object.entries(works).map(([name, work]) => {
  const times = { kernels: [] as number[], none: [] as number[] };
  for (let round = -100; round < 400; round++) {
    for (const use of ['kernels', 'none'] as const) {
      usePixelKernels(use);
      // Choosing the kernels starts them anew.
      work(round + 100);
      const began = performance.now();
      work(round + 100);
      if (round >= 0) times[use].push(1000 * (performance.now() - began));
    }
  }
  const [fast, plain] = [median(times.kernels), median(times.none)];
  return {
    work: name,
    'SIMD, us': fast.toFixed(0),
    'TypeScript, us': plain.toFixed(0),
    times: (plain / fast).toFixed(1),
  };
});
console.log(`Node ${process.version}`);
console.table(rows);

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
