import { afterEach, describe, expect, test, vi } from 'vitest';
import { normalize } from '../../src/image/normalize.js';
import { pixelKernels, usePixelKernels } from '../../src/image/pixel-kernels.js';
import type { Raster } from '../../src/image/pixels.js';
import { resample } from '../../src/image/resample.js';
import { augment } from '../../src/tfjs/train/augment.js';
import type { AugmentOptions } from '../../src/tfjs/train/augment-options.js';
import { randomStream } from '../../src/tfjs/train/random.js';
import fc from '../fast-check.js';
import { runs } from '../night.js';

afterEach(() => usePixelKernels('kernels'));

/** What the kernels give, and what TypeScript alone gives: to the bit. */
function bothWays(work: () => Float32Array): void {
  usePixelKernels('kernels');
  expect(pixelKernels()).not.toBeNull();
  const fast = work();
  usePixelKernels('none');
  expect(pixelKernels()).toBeNull();
  const plain = work();
  expect(memory(fast).equals(memory(plain))).toBe(true);
}

/** The bytes of a result, to compare at once: element by element takes seconds. */
function memory({ buffer, byteOffset, byteLength }: Float32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

describe('pixel kernels give the bits of TypeScript', () => {
  test('resample, of bytes and floats, grey and colour, transparent and boxed', () => {
    fc.assert(
      fc.property(
        raster(),
        side(40),
        side(40),
        fc.constantFrom(1, 3),
        fc.constantFrom(undefined, -0.2, 0.4),
        (image, width, height, channels, left) => {
          const box =
            left === undefined
              ? undefined
              : { x: left * image.width, y: 0.3 * image.height, width: 0.9 * image.width, height: image.height };
          bothWays(() => resample(image, { width, height, channels: channels as 1 | 3, box }));
        },
      ),
      { numRuns: runs(300) },
    );
  });

  test('resample, of a photograph that is read in bands', () => {
    const random = randomStream(3);
    const data = new Uint8Array(1100 * 900 * 4);
    for (let k = 0; k < data.length; k++) data[k] = 256 * random();
    // All rows, and enough columns that each is a sum of several.
    const box = { x: 500, y: 0, width: 100, height: 900 };
    bothWays(() => resample({ data, width: 1100, height: 900, channels: 4 }, { box }));
  });

  test("'localContrast'", () => {
    fc.assert(
      fc.property(side(40), side(40), fc.integer(), (width, height, seed) => {
        const random = randomStream(seed);
        const levels = Float32Array.from({ length: width * height }, () => 255 * random());
        bothWays(() => normalize(levels.slice(), { normalization: 'localContrast', width }));
      }),
      { numRuns: runs(100) },
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
      { numRuns: runs(200) },
    );
  });
});

describe('what the kernels are given', () => {
  const resampling = () => {
    usePixelKernels('kernels');
    return vi.spyOn(pixelKernels()!, 'resampleRows');
  };

  test.each<['bytes' | 'floats', 1 | 3 | 4, 1 | 3, number]>([
    ['bytes', 1, 1, 1],
    ['bytes', 1, 3, 1],
    ['bytes', 3, 1, 1],
    ['bytes', 4, 3, 1],
    ['floats', 1, 1, 1],
    ['floats', 3, 3, 1],
    ['floats', 1, 3, 0],
    ['floats', 3, 1, 0],
    ['floats', 4, 3, 0],
  ])('%s of %d channels for %d: %d calls', (kind, channels, wanted, calls) => {
    const rows = resampling();
    const data = kind === 'floats' ? new Float32Array(16 * channels) : new Uint8Array(16 * channels);
    resample({ data, width: 4, height: 4, channels }, { channels: wanted });
    expect(rows).toHaveBeenCalledTimes(calls);
  });

  test('a photograph comes in bands of at most 128 KiB, which are all that is kept of it', () => {
    const rows = resampling();
    const image = { data: new Uint8Array(1100 * 900 * 4), width: 1100, height: 900, channels: 4 as const };
    resample(image, { box: { x: 30, y: 100, width: 1000, height: 790 } });
    // 29 rows of 4400 bytes are 127,600; 790 rows are 27 bands and 7 rows.
    const bands = Array.from({ length: 27 }, (_, k) => [100 + 29 * k, 129 + 29 * k]);
    expect(rows.mock.calls.map((call) => call.slice(6, 8))).toEqual([...bands, [883, 890]]);
    expect(pixelKernels()!.bytes.length).toBeLessThan(2 ** 19);
  });

  test('of a part far down in an image, its own rows and the blocks that they touch are kept, no more', () => {
    const rows = resampling();
    const image = { data: new Uint8Array(1000 * 1500), width: 1000, height: 1500, channels: 1 as const };
    resample(image, { box: { x: 0, y: 1000, width: 1000, height: 10 } });
    expect(rows.mock.calls.map((call) => call.slice(6, 8))).toEqual([[1000, 1010]]);
    expect(pixelKernels()!.bytes.length).toBeLessThan(2 ** 18);
  });

  test('a row longer than a band comes by itself', () => {
    const rows = resampling();
    const image = { data: new Uint8Array(2 * 2_100_000).fill(7), width: 2_100_000, height: 2, channels: 1 as const };
    expect([...resample(image, { width: 1, height: 1 })]).toEqual([7]);
    expect(rows.mock.calls.map((call) => call.slice(6, 8))).toEqual([
      [0, 1],
      [1, 2],
    ]);
  });

  test.each(['bytes', 'floats'] as const)('one row across two blocks of a large image of %s finds room', (kind) => {
    const random = randomStream(4);
    const from = { length: 1000 * 200 };
    const level = () => Math.floor(256 * random());
    const data = kind === 'floats' ? Float32Array.from(from, level) : Uint8Array.from(from, level);
    // Row 65 is the elements 65000 .. 66000, and 65536 begins a block.
    const box = { x: 0, y: 65, width: 1000, height: 1 };
    bothWays(() => resample({ data, width: 1000, height: 200, channels: 1 }, { width: 8, height: 1, box }));
  });

  test("'localContrast' of one channel is theirs, that of three is not", () => {
    usePixelKernels('kernels');
    const contrast = vi.spyOn(pixelKernels()!, 'localContrast');
    normalize(new Float32Array(48), { normalization: 'localContrast', width: 4, channels: 3 });
    expect(contrast).not.toHaveBeenCalled();
    normalize(new Float32Array(48), { normalization: 'localContrast', width: 4 });
    expect(contrast).toHaveBeenCalledTimes(1);
  });
});

test('there is one set of kernels, whose memory grows by whole pages when more is reserved', () => {
  usePixelKernels('kernels');
  const kernels = pixelKernels()!;
  expect(pixelKernels()).toBe(kernels);
  const { bytes } = kernels;
  expect(bytes.length).toBe(65_536);
  kernels.reserve(65_536);
  expect(kernels.bytes).toBe(bytes);
  kernels.reserve(65_537);
  expect(kernels.bytes.length).toBe(2 * 65_536);
  kernels.reserve(5);
  kernels.bytes.set([0, 0, 128, 63], 2 * 65_536 - 4);
  // 1 as a float; the upper half of a double.
  expect(kernels.floats.at(-1)).toBe(1);
  expect(kernels.integers.at(-1)).toBe(0x3f800000);
  expect(kernels.doubles.at(-1)).toBe(2 ** -7);
});

test('without WebAssembly, images are still resampled', () => {
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

function side(most: number): fc.Arbitrary<number> {
  return fc.integer({ min: 1, max: most });
}

function raster(): fc.Arbitrary<Raster> {
  return fc
    .record({
      width: side(50),
      height: side(50),
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
