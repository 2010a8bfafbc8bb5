import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BLOCK, copyPart } from '../../src/image/copy-part.js';
import { resample } from '../../src/image/resample.js';
import { randomStream } from '../../src/train/random.js';

test('every element of a part comes to lie where it says', () => {
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
      expect(Buffer.from(target.slice(found, found + end - from).buffer)).toEqual(
        Buffer.from(data.slice(from, end).buffer),
      );
    }),
  );
});

test('what has changed in an image since it was seen last is seen', () => {
  const image = { data: new Uint8Array(600 * 400), width: 600, height: 400, channels: 1 as const };
  const options = { width: 1, height: 1, box: { x: 0, y: 100, width: 600, height: 200 } };
  for (const level of [0, 90, 200]) {
    image.data.fill(level);
    expect(resample(image, options)).toEqual(Float32Array.of(level));
  }
});

test('an image whose buffer has grown is read to its end', () => {
  // Of ES2024, which TypeScript's library here does not know; Node 20 has it.
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
