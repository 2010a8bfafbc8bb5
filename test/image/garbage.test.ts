import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, expect, test } from 'vitest';
import { usePixelKernels } from '../../src/image/pixel-kernels.js';
import { pixelsToInput } from '../../src/image/pixels-to-input.js';
import { rows } from '../night.js';

afterEach(() => usePixelKernels('kernels'));

test.each(
  rows(
    [
      ['SIMD, leaning', 'kernels', 0.2],
      ['TypeScript', 'none', 0],
      ['SIMD', 'kernels', 0],
      ['TypeScript, leaning', 'none', 0.2],
    ] as const,
    2,
  ),
)('the frames of a video leave nothing to collect: %s', (_, use, angle) => {
  usePixelKernels(use);
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const image = { data: new Uint8Array(320 * 240 * 3), width: 320, height: 240, channels: 3 as const };
  // Small, because a leaning face is first drawn at four times its size.
  const size = 16;
  const out = new Float32Array(size * size);
  const options = Array.from({ length: 150 }, (_, i) => {
    const box = { x: 30.37 + i, y: 30.73 + (i % 90), width: 90.5, height: 100.5, angle };
    return { normalization: 'localContrast' as const, size, box, out };
  });
  const frames = (count: number) => {
    for (let i = 0; i < count; i++) pixelsToInput(image, options[i % 150]);
  };
  const used = () => {
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  // Until the engine has compiled what it runs: its compilers, and code that is not compiled yet, leave something too.
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 60 && least >= 12; round++) {
    gc();
    const before = used();
    frames(300);
    least = Math.min(least, (used() - before) / 300);
  }
  // Asking how much is used leaves a kilobyte or so. A single number on the heap would be 16 bytes a frame.
  expect(least).toBeLessThan(12);
});
