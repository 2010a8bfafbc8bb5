import { describe, expect, test, vi } from 'vitest';
import { BLOCK, copyPart } from '../../src/image/copy-part.js';
import { resample } from '../../src/image/resample.js';
import { randomStream } from '../../src/tfjs/train/random.js';
import fc from '../fast-check.js';

test('every element of a part is copied to its documented position', () => {
  const random = randomStream(1);
  const bytes = Uint8Array.from({ length: 3 * BLOCK + 1234 }, () => 256 * random());
  const images = [bytes, Float32Array.from(bytes), bytes.subarray(77, BLOCK + 99), bytes.subarray(5, 500)];
  const cases = fc.record({
    data: fc.constantFrom(...images),
    at: fc.nat(100),
    share: fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })),
  });
  fc.assert(
    fc.property(cases, ({ data, at, share }) => {
      const [from, end] = share.map((part) => Math.round(part * data.length)).sort((a, b) => a - b);
      const room = at + end - from + 2 * BLOCK;
      const target = data instanceof Float32Array ? new Float32Array(room) : new Uint8Array(room);
      const found = copyPart(data, from, end, target, at);
      expect(found).toBeGreaterThanOrEqual(at);
      expect(target.length - found).toBeGreaterThanOrEqual(end - from);
      expect(memory(target.subarray(found, found + end - from)).equals(memory(data.subarray(from, end)))).toBe(true);
    }),
  );
});

describe('the views that are made of an image', () => {
  const views = (length: number) => {
    const data = new Uint8Array(length);
    return { data, made: vi.spyOn(data, 'subarray') };
  };
  const target = new Uint8Array(6 * BLOCK);

  test('are one for each block that the part touches, made once for all frames', () => {
    const { data, made } = views(3 * BLOCK + 10);
    copyPart(data, BLOCK - 1, 2 * BLOCK, target, 0);
    expect(made.mock.calls).toEqual([
      [0, BLOCK],
      [BLOCK, 2 * BLOCK],
    ]);
    copyPart(data, BLOCK - 1, 2 * BLOCK, target, 0);
    copyPart(data, 5, 2 * BLOCK - 7, target, 0);
    expect(made).toHaveBeenCalledTimes(2);
    copyPart(data, 2 * BLOCK, 3 * BLOCK + 10, target, 0);
    copyPart(data, 3 * BLOCK + 1, 3 * BLOCK + 2, target, 0);
    expect(made).toHaveBeenCalledTimes(4);
  });

  test('cover nothing outside a part in the middle', () => {
    const { data, made } = views(3 * BLOCK);
    copyPart(data, BLOCK + 5, 2 * BLOCK - 5, target, 0);
    expect(made.mock.calls).toEqual([[BLOCK, 2 * BLOCK]]);
  });

  test('are none for the whole image, and none for one of a single block', () => {
    const large = views(3 * BLOCK + 10);
    expect(copyPart(large.data, 0, large.data.length, target, 9)).toBe(9);
    expect(large.made).not.toHaveBeenCalled();
    const small = views(BLOCK);
    expect(copyPart(small.data, 100, 200, target, 9)).toBe(109);
    expect(small.made).not.toHaveBeenCalled();
  });
});

test('changes of an image since its last use are seen', () => {
  const image = { data: new Uint8Array(600 * 400), width: 600, height: 400, channels: 1 as const };
  const options = { width: 1, height: 1, box: { x: 0, y: 100, width: 600, height: 200 } };
  for (const level of [0, 90, 200]) {
    image.data.fill(level);
    expect(resample(image, options)).toEqual(Float32Array.of(level));
  }
});

test('an image whose buffer has grown is read to its end', () => {
  // Node 20 has this function of ES2024; the TypeScript library used here does not declare it.
  const Resizable = ArrayBuffer as unknown as new (
    length: number,
    options: { maxByteLength: number },
  ) => ArrayBuffer & { resize(length: number): void };
  const buffer = new Resizable(BLOCK + 100, { maxByteLength: 2 * BLOCK });
  const data = new Uint8Array(buffer);
  const target = new Uint8Array(4 * BLOCK);
  copyPart(data, BLOCK, BLOCK + 100, target, 0);
  buffer.resize(2 * BLOCK);
  data.fill(7);
  const at = copyPart(data, BLOCK, 2 * BLOCK, target, 0);
  expect(target.subarray(at, at + BLOCK).every((value) => value === 7)).toBe(true);
});

/** The bytes of an array, to compare at once: element by element takes seconds. */
function memory({ buffer, byteOffset, byteLength }: Uint8Array | Uint8ClampedArray | Float32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
