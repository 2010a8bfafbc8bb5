import { describe, expect, test } from 'vitest';
import { bitCount, HASHED_SIZE, perceptualHash } from '../../src/image/perceptual-hash.js';
import { randomStream } from '../../src/tfjs/train/random.js';
import fc from '../fast-check.js';

const N = HASHED_SIZE;
const picture = fc.uint8Array({ minLength: N * N, maxLength: N * N });
const differing = (a: [number, number], b: [number, number]) => bitCount(a[0] ^ b[0]) + bitCount(a[1] ^ b[1]);
const mirror = (luma: Uint8Array) => luma.map((_, i) => luma[i - (i % N) + N - 1 - (i % N)]);

describe('perceptualHash', () => {
  test('also gives the hash of the mirror image, except for frequencies that are zero to the last digit', () => {
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

  test('sets the bit of each frequency that is positive, and, mirrored, of odd ones that are negative', () => {
    const random = randomStream(1);
    for (let picture = 0; picture < 20; picture++) {
      const luma = Float64Array.from({ length: N * N }, () => 255 * random());
      const { hash, mirrored } = perceptualHash(luma);
      for (let k = 0; k < 64; k++) {
        const [down, across] = [Math.floor(k / 8), k % 8];
        const value = k === 0 ? 0 : frequency(luma, across, down);
        const bit = (words: [number, number]) => (words[k < 32 ? 0 : 1] >>> (k % 32)) & 1;
        expect(bit(hash), `${across} across, ${down} down`).toBe(value > 0 ? 1 : 0);
        expect(bit(mirrored), `${across} across, ${down} down`).toBe((across % 2 === 0 ? value : -value) > 0 ? 1 : 0);
      }
    }
  });

  test('of black is 0, and the mean has no effect', () => {
    expect(perceptualHash(new Float64Array(N * N))).toEqual({ hash: [0, 0], mirrored: [0, 0] });
    for (const sign of [1, -1]) {
      expect(perceptualHash(new Float64Array(N * N).fill(sign)).hash[0] & 1).toBe(0);
      expect(perceptualHash(new Float64Array(N * N).fill(sign)).mirrored[0] & 1).toBe(0);
    }
  });
});

test('bitCount counts the bits that are set', () => {
  expect([0, 1, -1, 0b1011, 0x80000000 | 0].map(bitCount)).toEqual([0, 1, 32, 3, 1]);
});

test('bitCount is the number of ones that a word has in writing', () => {
  const random = randomStream(2);
  for (let i = 0; i < 200; i++) {
    const word = Math.floor(2 ** 32 * random()) | 0;
    expect(bitCount(word), `${word}`).toBe((word >>> 0).toString(2).replaceAll('0', '').length);
  }
});

/** DCT-II of a picture at one frequency, unscaled. */
function frequency(luma: Float64Array, across: number, down: number): number {
  const wave = (k: number, place: number) => Math.cos(((2 * place + 1) * k * Math.PI) / (2 * N));
  return luma.reduce((sum, level, i) => sum + level * wave(across, i % N) * wave(down, Math.floor(i / N)), 0);
}
