import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ImageInput } from '../../src/image/input.js';
import type { PixelImage } from '../../src/image/pixels.js';
import { toPixels } from '../../src/image/to-pixels.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const image: PixelImage = { data: Uint8Array.of(1, 2, 3, 4, 5, 6), width: 2, height: 1, channels: 3 };

describe('toPixels', () => {
  test('a PixelImage is taken as it is', async () => {
    expect((await toPixels(image)).data).toBe(image.data);
    expect(await toPixels({ ...image, data: Buffer.from(image.data) })).toMatchObject({ width: 2, channels: 3 });
  });

  test('an ImageData is RGBA', async () => {
    const data = { data: new Uint8ClampedArray(8).fill(9), width: 2, height: 1, colorSpace: 'srgb' } as ImageData;
    expect(await toPixels(data)).toEqual({ data: data.data, width: 2, height: 1, channels: 4 });
  });

  test.each(['float32', 'int32'] as const)('a tensor of %s gives its values, and lives on', async (dtype) => {
    const tensor = tf.tensor3d([1, 2, 3, 4, 5, 6], [1, 2, 3], dtype);
    const pixels = await toPixels(tensor);
    expect(pixels).toMatchObject({ width: 2, height: 1, channels: 3 });
    expect([...pixels.data]).toEqual([1, 2, 3, 4, 5, 6]);
    pixels.data[0] = 77;
    expect((await tensor.data())[0]).toBe(1);
    tensor.dispose();
  });

  test('fractions of a level in a tensor are kept', async () => {
    const tensor = tf.tensor3d([0.25, 100.75], [1, 2, 1]);
    expect([...(await toPixels(tensor)).data]).toEqual([0.25, 100.75]);
  });

  test.each<[string, Partial<Record<keyof PixelImage, unknown>>, string, string]>([
    ['too few levels', { data: new Uint8Array(5) }, 'SHAPE', '6 levels, got 5'],
    ['too many levels', { data: new Uint8Array(7) }, 'SHAPE', '6 levels, got 7'],
    ['no width', { width: 0 }, 'SHAPE', '0 and 1'],
    ['half a row', { height: 0.5 }, 'SHAPE', '0.5'],
    ['a width that is no number', { width: '2' }, 'SHAPE', '2'],
    ['two channels', { channels: 2 }, 'CHANNELS', '2'],
    ['floats', { data: new Float32Array(6) }, 'INPUT', 'Float32Array'],
    ['a plain array', { data: [1, 2, 3, 4, 5, 6] }, 'INPUT', 'Array'],
  ])('refuses a PixelImage of %s', async (_, change, code, words) => {
    await expect(toPixels({ ...image, ...change } as PixelImage)).rejects.toMatchObject({
      name: 'FerError',
      code,
      message: expect.stringContaining(words),
    });
  });

  test.each<[string, () => tf.Tensor, string]>([
    ['NaN', () => tf.tensor3d([1, Number.NaN, 3], [1, 1, 3]), 'NOT_FINITE'],
    ['infinity', () => tf.tensor3d([1, 2, Number.POSITIVE_INFINITY], [1, 1, 3]), 'NOT_FINITE'],
    ['rank 2', () => tf.tensor2d([1, 2], [1, 2]), 'SHAPE'],
    ['rank 4', () => tf.zeros([1, 4, 4, 3]), 'SHAPE'],
    ['no rows', () => tf.zeros([0, 4, 3]), 'SHAPE'],
    ['two channels', () => tf.zeros([4, 4, 2]), 'CHANNELS'],
    ['the -1..1 scale', () => tf.tensor3d([-1, 0.2, 1], [1, 1, 3]), 'INPUT'],
    ['the 0..65535 scale', () => tf.tensor3d([3, 300, 65535], [1, 1, 3]), 'INPUT'],
    ['bool', () => tf.zeros([2, 2, 1], 'bool'), 'INPUT'],
  ])('refuses a tensor of %s', async (_, make, code) => {
    const tensor = make();
    await expect(toPixels(tensor as tf.Tensor3D)).rejects.toMatchObject({ name: 'FerError', code });
    tensor.dispose();
  });

  test('says where NaN is', async () => {
    const tensor = tf.tensor3d([0, 1, 2, 3, Number.NaN, 5], [1, 2, 3]);
    await expect(toPixels(tensor)).rejects.toThrow('NaN at [0, 1, 1]');
    tensor.dispose();
  });

  test('refuses a disposed tensor', async () => {
    const tensor = tf.tensor3d([1], [1, 1, 1]);
    tensor.dispose();
    await expect(toPixels(tensor)).rejects.toMatchObject({ code: 'DISPOSED' });
  });

  test('the pixel limit holds for pixels too', async () => {
    await expect(toPixels(image, { maxPixels: 1 })).rejects.toMatchObject({ code: 'TOO_LARGE' });
    const tensor = tf.zeros<tf.Rank.R3>([4, 4, 1]);
    await expect(toPixels(tensor, { maxPixels: 15 })).rejects.toMatchObject({ code: 'TOO_LARGE' });
    tensor.dispose();
  });

  test.each([0, -1, Number.NaN])('refuses a pixel limit of %d', async (maxPixels) => {
    await expect(toPixels(image, { maxPixels })).rejects.toMatchObject({ code: 'OPTION' });
  });

  test.each([null, undefined, 5, {}, [], () => 0, Symbol.iterator])('refuses %s', async (input) => {
    await expect(toPixels(input as unknown as ImageInput)).rejects.toMatchObject({ name: 'FerError', code: 'INPUT' });
  });
});
