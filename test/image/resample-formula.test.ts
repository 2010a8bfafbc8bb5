import { afterEach, describe, expect, test } from 'vitest';
import type { Box } from '../../src/image/box.js';
import { usePixelKernels } from '../../src/image/pixel-kernels.js';
import type { Raster } from '../../src/image/pixels.js';
import { resample, resampleInto } from '../../src/image/resample.js';
import { randomStream } from '../../src/tfjs/train/random.js';
import fc from '../fast-check.js';
import { runs } from '../night.js';

afterEach(() => usePixelKernels('kernels'));

describe.each(['kernels', 'none'] as const)('resample, with %s in WebAssembly', (use) => {
  test('meets its formula, computed the slow way', () => {
    usePixelKernels(use);
    fc.assert(
      fc.property(raster(), side(12), side(12), channelCount(), box(), (image, width, height, channels, share) => {
        const box = share && boxOn(image, share);
        const found = resample(image, { width, height, channels, box });
        expect(gap(found, slowResample(image, width, height, channels, box))).toBeLessThan(1e-3);
      }),
      { numRuns: runs(200) },
    );
  });

  test('gives the same result whatever earlier calls did', () => {
    const calls = fc.array(fc.tuple(raster(), side(20), side(20), channelCount(), box()), {
      minLength: 2,
      maxLength: 6,
    });
    fc.assert(
      fc.property(calls, (list) => {
        const work = list.map(([image, width, height, channels, share]) => () => {
          return resample(image, { width, height, channels, box: share && boxOn(image, share) });
        });
        const alone = work.map((call) => {
          usePixelKernels(use);
          return call();
        });
        work.forEach((call, k) => {
          expect(gap(call(), alone[k])).toBe(0);
        });
      }),
      { numRuns: runs(40) },
    );
  });

  test.each([1, 3] as const)('resampleInto writes nothing after the result: %d channels', (channels) => {
    usePixelKernels(use);
    const image: Raster = { data: new Uint8Array(48).fill(50), width: 4, height: 4, channels: 3 };
    const result = new Float32Array(6 * channels + 3).fill(-1);
    resampleInto(image, 2, 3, channels, undefined, result);
    const expected = new Float32Array(6 * channels + 3).fill(50).fill(-1, 6 * channels);
    expect(gap(result, expected)).toBeLessThan(1e-4);
    expect([...result.subarray(6 * channels)]).toEqual([-1, -1, -1]);
  });
});

/** Every pixel under the triangles of the docstring, in two dimensions at once; beyond the image, its edge repeated. */
function slowResample(image: Raster, width: number, height: number, channels: 1 | 3, box?: Box): number[] {
  const { x, y, width: wide, height: high } = box ?? { x: 0, y: 0, width: image.width, height: image.height };
  const columns = weightsOf(image.width, width, x, wide);
  const rows = weightsOf(image.height, height, y, high);
  return Array.from({ length: width * height * channels }, (_, at) => {
    const pixel = Math.floor(at / channels);
    const column = columns[pixel % width];
    const row = rows[Math.floor(pixel / width)];
    let sum = 0;
    row.forEach((down, v) => {
      column.forEach((across, u) => {
        if (down * across > 0) sum += down * across * levelAt(image, u, v)[channels === 1 ? 3 : at % 3];
      });
    });
    return sum;
  });
}

/** What each output takes of each input, along one side. */
function weightsOf(inputs: number, outputs: number, offset: number, extent: number): number[][] {
  const scale = extent / outputs;
  const reach = Math.max(scale, 1);
  return Array.from({ length: outputs }, (_, i) => {
    const center = offset + (i + 0.5) * scale;
    const weights = new Array<number>(inputs).fill(0);
    for (let k = Math.floor(offset); k < Math.ceil(offset + extent); k++) {
      const weight = 1 - Math.abs(k + 0.5 - center) / reach;
      if (weight > 0) weights[Math.max(0, Math.min(inputs - 1, k))] += weight;
    }
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return weights.map((weight) => weight / total);
  });
}

/** Red, green, blue and luma of a pixel, on black. */
function levelAt({ data, width, channels }: Raster, x: number, y: number): number[] {
  const at = (y * width + x) * channels;
  if (channels === 1) return [data[at], data[at], data[at], data[at]];
  const opaque = channels === 3 || data[at + 3] === 255;
  const [red, green, blue] = [0, 1, 2].map((c) => {
    return opaque ? data[at + c] : Math.round((data[at + c] * data[at + 3]) / 255);
  });
  return [red, green, blue, 0.299 * red + 0.587 * green + 0.114 * blue];
}

function side(most: number): fc.Arbitrary<number> {
  return fc.integer({ min: 1, max: most });
}

function channelCount(): fc.Arbitrary<1 | 3> {
  return fc.constantFrom(1, 3);
}

function raster(): fc.Arbitrary<Raster> {
  const cases = { width: side(30), height: side(30), channels: fc.constantFrom(1, 3, 4), floats: fc.boolean() };
  return fc.record({ ...cases, seed: fc.integer() }).map(({ width, height, channels, floats, seed }) => {
    const random = randomStream(seed);
    const from = { length: width * height * channels };
    // Every other pixel is opaque.
    const level = (_: unknown, k: number) => (channels === 4 && k % 8 === 7 ? 255 : 255 * random());
    const data = floats ? Float32Array.from(from, level) : Uint8Array.from(from, level);
    return { data, width, height, channels: channels as 1 | 3 | 4 };
  });
}

/** Left and right, top and bottom, as shares of the image's sides: from far outside to far outside. */
function box(): fc.Arbitrary<number[] | undefined> {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  const inside = fc.tuple(share, share, share, share);
  const across = inside.map((shares) => shares.map((value) => 3 * value - 1));
  return fc.oneof(fc.constant(undefined), inside, across);
}

/** At least a tenth of a pixel, of which a part meets the image. */
function boxOn({ width, height }: Raster, [a, b, c, d]: number[]): Box {
  const x = Math.min(Math.min(a, b) * width, width - 0.1);
  const y = Math.min(Math.min(c, d) * height, height - 0.1);
  const right = Math.max(Math.max(a, b) * width, x + 0.1, 0.1);
  const bottom = Math.max(Math.max(c, d) * height, y + 0.1, 0.1);
  return { x, y, width: right - x, height: bottom - y };
}

/** The largest difference of two results; NaN where one is longer, or no number. */
function gap(found: Float32Array, expected: ArrayLike<number>): number {
  let largest = 0;
  for (let k = 0; k < Math.max(found.length, expected.length); k++) {
    largest = Math.max(largest, Math.abs(found[k] - expected[k]));
  }
  return largest;
}
