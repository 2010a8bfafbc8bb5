import { describe, expect, test } from 'vitest';
import { augment, checkAugmentOptions } from '../../../src/tfjs/train/augment.js';
import type { AugmentOptions } from '../../../src/tfjs/train/augment-options.js';
import type { Levels } from '../../../src/tfjs/train/degrade.js';
import { randomStream } from '../../../src/tfjs/train/random.js';
import fc from '../../fast-check.js';

const size = 16;
const levels = (value: (x: number, y: number) => number, channels = 1): Levels => ({
  data: Float32Array.from({ length: size * size * channels }, (_, k) => {
    const pixel = Math.floor(k / channels);
    return value(pixel % size, Math.floor(pixel / size)) + (k % channels);
  }),
  width: size,
  height: size,
  channels,
});
const apply = (image: Levels, options: AugmentOptions, random = randomStream(1)) => {
  const out = new Float32Array(image.data.length);
  augment(image, 255, options, random, out);
  return out;
};
/** Numbers that make every change as large as it goes: 1 - 2^-32 for all draws. */
const most = () => 1 - 2 ** -32;
const everything: AugmentOptions = {
  flip: true,
  rotation: 20,
  shift: 0.2,
  zoom: 0.2,
  scale: 0.2,
  shear: 0.2,
  contrast: 0.4,
  brightness: 0.2,
  erasing: 0.5,
  degrade: 0.5,
};

describe('augment', () => {
  test('without options leaves the image as it is', () => {
    const image = levels((x, y) => x * 3 + y);
    expect(apply(image, {})).toEqual(image.data);
  });

  test('flip mirrors about half of the images, exactly, and leaves the others', () => {
    const image = levels((x, y) => x * 3 + y, 3);
    const mirrored = levels((x, y) => (size - 1 - x) * 3 + y, 3).data;
    const outcomes = Array.from({ length: 400 }, (_, i) => apply(image, { flip: true }, randomStream(i)));
    const flips = outcomes.filter((out) => out.every((value, k) => Math.abs(value - mirrored[k]) < 1e-4)).length;
    const kept = outcomes.filter((out) => out.every((value, k) => Math.abs(value - image.data[k]) < 1e-4)).length;
    expect(flips + kept).toBe(400);
    expect(flips).toBeGreaterThan(150);
    expect(flips).toBeLessThan(250);
  });

  test('shift moves by whole pixels exactly, and continues the edge', () => {
    const image = levels((x) => 10 * x);
    const out = apply(image, { shift: 2 / size }, most);
    // Source x = x + 2, clamped at the right edge.
    expect(Array.from(out.subarray(0, size))).toEqual(
      Array.from({ length: size }, (_, x) => expect.closeTo(10 * Math.min(size - 1, x + 2), 2)),
    );
  });

  test('rotation by 90 degrees is a turn of the picture', () => {
    const image = levels((x, y) => 10 * x + y);
    const out = apply(image, { rotation: 90 }, most);
    const turned = levels((x, y) => 10 * (size - 1 - y) + x).data;
    for (const [k, value] of out.entries()) expect(value).toBeCloseTo(turned[k], 2);
  });

  test('scale enlarges about the centre', () => {
    const image = levels((x) => x);
    const out = apply(image, { scale: 0.25 }, most);
    for (let x = 0; x < size; x++) expect(out[x]).toBeCloseTo(7.5 + (x - 7.5) / 1.25, 4);
  });

  test('contrast keeps the mean, brightness moves it', () => {
    const image = levels((x, y) => 8 * x + y);
    const mean = (data: Float32Array) => data.reduce((a, b) => a + b) / data.length;
    expect(mean(apply(image, { contrast: 0.5 }, most))).toBeCloseTo(mean(image.data), 3);
    expect(mean(apply(image, { brightness: 0.1 }, most))).toBeCloseTo(mean(image.data) + 25.5, 3);
  });

  test('erasing fills one rectangle of 2 to 20% with the mean', () => {
    const image = levels((x, y) => (x * 31 + y * 17) % 101);
    const mean = image.data.reduce((a, b) => a + b) / image.data.length;
    for (let seed = 0; seed < 100; seed++) {
      const out = apply(image, { erasing: 1 }, randomStream(seed));
      const changed = [...out.keys()].filter((k) => out[k] !== image.data[k]);
      expect(changed.length / out.length).toBeLessThan(0.3);
      for (const k of changed) expect(out[k]).toBeCloseTo(mean, 3);
    }
  });

  test('keeps levels in the range that contrast and brightness allow, for any random draw', () => {
    const image = levels((x, y) => (x * 37 + y * 91) % 256);
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const out = apply(image, everything, randomStream(seed));
        expect(Math.min(...out)).toBeGreaterThan(-0.4 * 255 - 51 - 1);
        expect(Math.max(...out)).toBeLessThan(255 + 0.4 * 255 + 51 + 1);
      }),
    );
  });

  test('the same random numbers make the same changes, and switching one change off keeps the others', () => {
    const image = levels((x, y) => (x * 37 + y * 91) % 256);
    expect(apply(image, everything, randomStream(7))).toEqual(apply(image, everything, randomStream(7)));
    const flat = levels(() => 100);
    const lifted = (options: AugmentOptions) => apply(flat, options, randomStream(7))[0];
    expect(lifted({ brightness: 0.2 })).toBeCloseTo(lifted({ ...everything, erasing: 0 }), 3);
  });

  test.each(['zoom', 'scale', 'shift', 'contrast', 'brightness', 'erasing', 'rotation', 'shear'] as const)(
    'refuses %s out of range',
    (field) => {
      for (const value of [-0.1, 1000, Number.NaN, '1' as unknown as number]) {
        expect(() => checkAugmentOptions({ [field]: value })).toThrow(
          expect.objectContaining({ code: 'OPTION', message: expect.stringContaining(field) }),
        );
      }
    },
  );
});
