import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { normalize } from '../../src/image/normalize.js';
import { pixelKernels, usePixelKernels } from '../../src/image/pixel-kernels.js';
import type { Raster } from '../../src/image/pixels.js';
import { resample } from '../../src/image/resample.js';
import { type AugmentOptions, augment } from '../../src/train/augment.js';
import { randomStream } from '../../src/train/random.js';

afterEach(() => usePixelKernels('kernels'));

/** What the kernels give, and what TypeScript alone gives: to the bit. */
function bothWays(work: () => Float32Array): void {
  usePixelKernels('kernels');
  expect(pixelKernels()).not.toBeNull();
  const fast = work();
  usePixelKernels('none');
  expect(pixelKernels()).toBeNull();
  const plain = work();
  expect(new Uint32Array(fast.buffer, fast.byteOffset, fast.length)).toEqual(
    new Uint32Array(plain.buffer, plain.byteOffset, plain.length),
  );
}

describe('pixel kernels give the bits of TypeScript', () => {
  test('resample, of bytes and floats, grey and colour, transparent and boxed', () => {
    fc.assert(
      fc.property(
        raster(),
        side(40),
        side(40),
        fc.constantFrom(1, 3),
        fc.boolean(),
        (image, width, height, channels, cut) => {
          const box = cut
            ? { x: -0.2 * image.width, y: 0.3 * image.height, width: 0.9 * image.width, height: image.height }
            : undefined;
          bothWays(() => resample(image, { width, height, channels: channels as 1 | 3, box }));
        },
      ),
      { numRuns: 300 },
    );
  });

  test('resample, of a photograph that is read in bands', () => {
    const random = randomStream(3);
    const data = Uint8Array.from({ length: 1100 * 900 * 4 }, () => 256 * random());
    bothWays(() => resample({ data, width: 1100, height: 900, channels: 4 }));
  });

  test("'localContrast'", () => {
    fc.assert(
      fc.property(side(40), side(40), fc.integer(), (width, height, seed) => {
        const random = randomStream(seed);
        const levels = Float32Array.from({ length: width * height }, () => 255 * random());
        bothWays(() => normalize(levels.slice(), { normalization: 'localContrast', width }));
      }),
      { numRuns: 100 },
    );
  });

  test('augment, grey and colour', () => {
    const options: AugmentOptions = {
      ...{ flip: true, rotation: 30, shift: 0.3, zoom: 0.3, scale: 0.3, shear: 0.3 },
      ...{ contrast: 0.5, brightness: 0.3, erasing: 0.5 },
    };
    fc.assert(
      fc.property(side(50), side(50), fc.constantFrom(1, 3), fc.integer(), (width, height, channels, seed) => {
        const random = randomStream(seed);
        const data = Float32Array.from({ length: width * height * channels }, () => 255 * random());
        bothWays(() => {
          const out = new Float32Array(data.length);
          augment({ data, width, height, channels }, 255, options, randomStream(seed, 1), out);
          return out;
        });
      }),
      { numRuns: 200 },
    );
  });
});

test('where there is no WebAssembly, images are resampled all the same', () => {
  const { WebAssembly } = globalThis;
  try {
    Reflect.deleteProperty(globalThis, 'WebAssembly');
    usePixelKernels('kernels');
    expect(pixelKernels()).toBeNull();
    expect(
      resample({ data: new Uint8Array(64).fill(9), width: 8, height: 8, channels: 1 }, { width: 2, height: 2 }),
    ).toEqual(Float32Array.of(9, 9, 9, 9));
  } finally {
    globalThis.WebAssembly = WebAssembly;
  }
});

test('an `out` of another length is refused', () => {
  const image = { data: new Uint8Array(4), width: 2, height: 2, channels: 1 as const };
  expect(() => resample(image, { out: new Float32Array(3) })).toThrow(expect.objectContaining({ code: 'SHAPE' }));
});

test('the module in the sources is the one that its assembly makes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fer-dcnn-'));
  const made = join(folder, 'made.ts');
  const { status, stderr } = spawnSync(process.execPath, ['src/image/assembly/build.mjs', made], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(readFileSync('src/image/pixel-kernels-wasm.ts', 'utf8')).toBe(readFileSync(made, 'utf8'));
  rmSync(folder, { recursive: true });
});

// --- below this line: images ---

function side(most: number): fc.Arbitrary<number> {
  return fc.integer({ min: 1, max: most });
}

function raster(): fc.Arbitrary<Raster> {
  return fc
    .record({
      width: side(70),
      height: side(70),
      channels: fc.constantFrom(1, 3, 4),
      floats: fc.boolean(),
      seed: fc.integer(),
    })
    .map(({ width, height, channels, floats, seed }) => {
      const random = randomStream(seed);
      // Every other pixel is opaque.
      const level = (_: unknown, k: number) =>
        channels === 4 && k % 8 === 7 ? 255 : floats ? 255 * random() : Math.floor(256 * random());
      const from = { length: width * height * channels };
      const data = floats ? Float32Array.from(from, level) : Uint8Array.from(from, level);
      return { data, width, height, channels: channels as 1 | 3 | 4 };
    });
}
