import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bitCount, HASHED_SIZE, perceptualHash } from '../../src/image/perceptual-hash.js';

const N = HASHED_SIZE;
const picture = fc.uint8Array({ minLength: N * N, maxLength: N * N });
const differing = (a: [number, number], b: [number, number]) => bitCount(a[0] ^ b[0]) + bitCount(a[1] ^ b[1]);
const mirror = (luma: Uint8Array) => luma.map((_, i) => luma[i - (i % N) + N - 1 - (i % N)]);

describe('perceptualHash', () => {
  test('knows its mirror image, but for frequencies that are nil to the last digit', () => {
    fc.assert(
      fc.property(picture, (luma) => {
        const { hash, mirrored } = perceptualHash(luma);
        const other = perceptualHash(mirror(luma));
        expect(differing(other.hash, mirrored)).toBeLessThanOrEqual(1);
        expect(differing(other.mirrored, hash)).toBeLessThanOrEqual(1);
      }),
      { numRuns: 50 },
    );
  });

  test('does not change with brightness and contrast', () => {
    fc.assert(
      fc.property(picture, (luma) => {
        const brighter = Float64Array.from(luma, (level) => 0.5 * level + 60);
        expect(differing(perceptualHash(brighter).hash, perceptualHash(luma).hash)).toBeLessThanOrEqual(1);
      }),
      { numRuns: 50 },
    );
  });

  test('has the sign of each frequency: a picture of one cosine has its bit, its negative has not', () => {
    const wave = (sign: number) =>
      Float64Array.from({ length: N * N }, (_, i) => 128 + sign * 50 * Math.cos((Math.PI * 3 * ((i % N) + 0.5)) / N));
    // Frequency 3 across and 0 down is bit 3 of the first word.
    expect(perceptualHash(wave(1)).hash[0] & 8).toBe(8);
    expect(perceptualHash(wave(-1)).hash[0] & 8).toBe(0);
    // It is odd, so the mirror image has the other sign.
    expect(perceptualHash(wave(1)).mirrored[0] & 8).toBe(0);
  });
});

test('bitCount counts the bits that are set', () => {
  expect([0, 1, -1, 0b1011, 0x80000000 | 0].map(bitCount)).toEqual([0, 1, 32, 3, 1]);
});
