/**
 * What is done to pixels before a network sees them, by the SIMD kernels and by TypeScript alone, in turns, and what 10,000
 * faces leave on the heap: `npx tsx test/bench/pixels.ts`. docs/performance.md holds what it printed.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { normalize } from '../../src/image/normalize.js';
import { usePixelKernels } from '../../src/image/pixel-kernels.js';
import { pixelsToInput } from '../../src/image/pixels-to-input.js';
import { resample } from '../../src/image/resample.js';
import { augment } from '../../src/tfjs/train/augment.js';
import { randomStream } from '../../src/tfjs/train/random.js';

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
heapTable();

/**
 * Faces of a frame of 640x480, RGB, each in another box than the one before, written where the last one was: what is left to
 * collect after each, less what measuring leaves, and what stays of 10,000.
 */
function heapTable(): void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const held = () => {
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return { heap: heapUsed, arrays: arrayBuffers };
  };
  const image = { data: new Uint8Array(640 * 480 * 3), width: 640, height: 480, channels: 3 as const };
  const cases = (['localContrast', 'standardize', 'unit'] as const).flatMap((normalization) =>
    [0, 0.2].map((angle) => ({ normalization, angle })),
  );
  const table = (['kernels', 'none'] as const).flatMap((use) => {
    usePixelKernels(use);
    return cases.map(({ normalization, angle }) => {
      const options = Array.from({ length: 300 }, (_, i) => {
        const box = { x: 60.37 + i, y: 50.73 + (i % 170), width: 190.5, height: 200.5, angle };
        return { normalization, box, out: input };
      });
      const faces = (count: number) => {
        for (let i = 0; i < count; i++) pixelsToInput(image, options[i]);
      };
      /** Bytes, by parts that are too small for anything to be collected on the way. */
      const left = (part: number) => {
        const total = { heap: 0, arrays: 0 };
        for (let done = 0; done < 10_000; done += 250) {
          gc();
          const before = held();
          faces(part);
          const after = held();
          total.heap += after.heap - before.heap;
          total.arrays += after.arrays - before.arrays;
        }
        return total;
      };
      for (let i = 0; i < 40; i++) faces(250);
      left(1);
      gc();
      const before = held();
      const [measuring, all] = [left(0), left(250)];
      gc();
      const after = held();
      return {
        by: use === 'kernels' ? 'SIMD' : 'TypeScript',
        normalization,
        angle,
        'left by a face, heap B': ((all.heap - measuring.heap) / 10_000).toFixed(1),
        'arrays B': ((all.arrays - measuring.arrays) / 10_000).toFixed(1),
        'kept of 10,000, KB': ((after.heap + after.arrays - before.heap - before.arrays) / 1000).toFixed(1),
      };
    });
  });
  console.table(table);
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
