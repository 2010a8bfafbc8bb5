import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Quantization, quantize } from '../../src/model/quantize.js';

const weights = fc.array(fc.float({ min: -10, max: 10, noNaN: true }), { minLength: 1, maxLength: 200 });

describe.each<[Quantization, number]>([
  ['uint8', 255],
  ['uint16', 65535],
])('quantize to %s', (to, levels) => {
  test('is off by at most half a step, and keeps zero at zero', () => {
    fc.assert(
      fc.property(weights, (values) => {
        const given = Float32Array.from([...values, 0]);
        const { bytes, quantization } = quantize(given, to);
        if (quantization === undefined) return;
        const { scale, min } = quantization;
        const stored = to === 'uint8' ? bytes : new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
        const back = Array.from(stored, (q) => q * scale + min);
        expect(back.at(-1)).toBeCloseTo(0, 12);
        expect((Math.max(...given) - Math.min(...given)) / scale).toBeCloseTo(levels, 3);
        for (const [i, value] of given.entries()) expect(Math.abs(back[i] - value)).toBeLessThanOrEqual(scale * 1.001);
      }),
    );
  });

  test('refuses weights that are no numbers', () => {
    expect(() => quantize(Float32Array.of(1, Number.NaN), to)).toThrow(expect.objectContaining({ code: 'NOT_FINITE' }));
  });
});

test('none keeps float32 to the bit', () => {
  const values = Float32Array.of(0.1, -2.5, 1e-30);
  expect(new Float32Array(quantize(values, 'none').bytes.buffer)).toEqual(values);
});
