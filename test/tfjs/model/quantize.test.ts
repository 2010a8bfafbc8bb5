import '@tensorflow/tfjs-backend-cpu';
import { io } from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { fromFloat16, toFloat16 } from '../../../src/float16.js';
import { type Quantization, quantize } from '../../../src/tfjs/model/quantize.js';
import { randomStream } from '../../../src/tfjs/train/random.js';
import fc from '../../fast-check.js';

const weights = fc.array(fc.float({ min: -10, max: 10, noNaN: true }), { minLength: 1, maxLength: 200 });

describe.each<[Quantization, number]>([
  ['uint8', 255],
  ['uint16', 65535],
])('quantize to %s', (to, levels) => {
  test('is off by at most a step, and keeps zero at zero', () => {
    fc.assert(
      fc.property(weights, (values) => {
        const given = Float32Array.from([...values, 0]);
        const { bytes, quantization } = quantize(given, to);
        if (quantization === undefined) return;
        const { scale, min } = quantization as { scale: number; min: number };
        const stored = to === 'uint8' ? bytes : new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
        const back = Array.from(stored, (q) => q * scale + min);
        expect(back.at(-1)).toBeCloseTo(0, 12);
        // A coarser scale is used only for values that lie on it, so it adds no error.
        const step = (Math.max(...given) - Math.min(...given)) / levels;
        expect(scale / step).toBeGreaterThan(0.999);
        for (const [i, value] of given.entries()) expect(Math.abs(back[i] - value)).toBeLessThanOrEqual(step * 1.001);
      }),
    );
  });

  test('refuses weights that are not numbers', () => {
    expect(() => quantize(Float32Array.of(1, Number.NaN), to)).toThrow(expect.objectContaining({ code: 'NOT_FINITE' }));
  });
});

test('weights that were stored in 8 bits, also coarsely, are stored again without loss', () => {
  fc.assert(
    fc.property(fc.nat(), fc.double({ min: 0, max: 0.4, noNaN: true }), (seed, leastScale) => {
      const random = randomStream(seed);
      const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
      const once = quantize(Float32Array.from({ length: 4000 }, normal), 'uint8', leastScale);
      const { scale, min } = once.quantization as { scale: number; min: number };
      const restored = Float32Array.from(once.bytes, (q) => q * scale + min);
      for (const to of ['uint8', 'uint16'] as const) {
        const again = quantize(restored, to);
        const read = again.quantization as { scale: number; min: number };
        const codes = to === 'uint8' ? again.bytes : new Uint16Array(again.bytes.buffer);
        const worst = restored.reduce((most, value, i) => {
          return Math.max(most, Math.abs(codes[i] * read.scale + read.min - value));
        }, 0);
        expect(worst).toBeLessThan(1e-5);
      }
    }),
  );
});

test('values that only nearly lie on a coarser scale are given all levels', () => {
  const given = Float32Array.of(0, 665, 16 * 665.4, 136 * 665.46);
  const { bytes, quantization } = quantize(given, 'uint16');
  const { scale, min } = quantization as { scale: number; min: number };
  expect(scale).toBeCloseTo(given[3] / 65535, 6);
  expect(Math.abs(new Uint16Array(bytes.buffer)[1] * scale + min - 665)).toBeLessThan(scale);
});

test('none keeps float32 to the bit', () => {
  const values = Float32Array.of(0.1, -2.5, 1e-30);
  expect(new Float32Array(quantize(values, 'none').bytes.buffer)).toEqual(values);
});

describe('quantize to float16', () => {
  test('is off by at most 1 part in 2048, and TF.js reads what this library reads', async () => {
    await fc.assert(
      fc.asyncProperty(weights, async (values) => {
        const given = Float32Array.from(values);
        const { bytes, quantization } = quantize(given, 'float16');
        if (quantization === undefined) return;
        const own = fromFloat16(new Uint16Array(bytes.buffer));
        for (const [i, value] of given.entries()) {
          expect(Math.abs(own[i] - value)).toBeLessThanOrEqual(Math.max(Math.abs(value) / 2048, 2 ** -25));
        }
        const spec = { name: 'w', shape: [given.length], dtype: 'float32' as const, quantization };
        const read = io.decodeWeights(new Uint8Array(bytes).buffer, [spec as io.WeightsManifestEntry]).w;
        expect(Array.from(await read.data())).toEqual(Array.from(own));
        read.dispose();
      }),
      { numRuns: 30 },
    );
  });

  test('refuses weights that float16 cannot hold', () => {
    expect(() => quantize(Float32Array.of(70000), 'float16')).toThrow(expect.objectContaining({ code: 'NOT_FINITE' }));
  });
});

describe('toFloat16', () => {
  // Bits by IEEE 754: sign, five of the exponent (bias 15), ten of the fraction.
  test.each([
    [0, 0x0000],
    [-0, 0x8000],
    [1, 0x3c00],
    [-2, 0xc000],
    [65504, 0x7bff],
    [65520, 0x7c00], // halfway to 2^16, to even: infinity
    [2 ** -14, 0x0400],
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000], // halfway to the least number, to even: zero
    [1 + 2 ** -11, 0x3c00], // ties to even, down
    [1 + 3 * 2 ** -11, 0x3c02], // and up
    [Number.POSITIVE_INFINITY, 0x7c00],
    [Number.NaN, 0x7e00],
  ])('of %f is %i', (value, bits) => {
    expect(toFloat16(Float32Array.of(value))[0]).toBe(bits);
  });

  test('gives back every float16 number', () => {
    const all = Uint16Array.from({ length: 65536 }, (_, i) => i).filter((bits) => (bits & 0x7fff) <= 0x7c00);
    const back = toFloat16(fromFloat16(all));
    expect(all.filter((bits, i) => bits !== back[i])).toHaveLength(0);
  });
});
