import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ImageInput } from '../../src/image/input.js';
import { toPixels } from '../../src/image/to-pixels.js';
import type { PixelImage } from '../../src/runtime.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const sides = 'image width and height must be whole numbers above 0, got';
const bytes = 'image data must be a Uint8Array or Uint8ClampedArray, got';
const shape = 'an image tensor has the shape [height, width, channels], got';
const scale = 'image tensors are on the 0..255 scale, got';
const image: PixelImage = { data: Uint8Array.of(1, 2, 3, 4, 5, 6), width: 2, height: 1, channels: 3 };

describe('toPixels', () => {
  test('a PixelImage is taken as it is', async () => {
    expect((await toPixels(image)).data).toBe(image.data);
    expect(await toPixels({ ...image, data: Buffer.from(image.data) })).toMatchObject({ width: 2, channels: 3 });
  });

  test('a single pixel is an image, of each number of channels', async () => {
    for (const channels of [1, 3, 4] as const) {
      const data = new Uint8Array(channels).fill(7);
      const tensor = tf.tensor3d([...data], [1, 1, channels]);
      expect(await toPixels({ data, width: 1, height: 1, channels })).toEqual({ data, width: 1, height: 1, channels });
      expect([...(await toPixels(tensor)).data]).toEqual([...data]);
      tensor.dispose();
    }
  });

  test('an ImageData is RGBA', async () => {
    const data = { data: new Uint8ClampedArray(8).fill(9), width: 2, height: 1, colorSpace: 'srgb' } as ImageData;
    expect(await toPixels(data)).toEqual({ data: data.data, width: 2, height: 1, channels: 4 });
  });

  test('an ImageData of floats from 0 to 1 is moved to the scale of levels, colours beyond sRGB to its ends', async () => {
    const data = floats(0, 0.5, 1, -0.2, 1.5, 1 / 255, 0.25, 1);
    const image = { data, width: 2, height: 1, colorSpace: 'srgb', pixelFormat: 'rgba-float16' } as never;
    const pixels = await toPixels(image);
    expect(pixels).toMatchObject({ width: 2, height: 1, channels: 4 });
    for (const [k, level] of [0, 127.5, 255, 0, 255, 1, 63.75, 255].entries()) {
      expect(pixels.data[k]).toBeCloseTo(level, 4);
    }
    data[3] = Number.NaN;
    await expect(toPixels(image)).rejects.toMatchObject({
      code: 'NOT_FINITE',
      message: expect.stringMatching(/NaN at 3/),
    });
    await expect(toPixels({ data, width: 2, height: 1, channels: 4 } as never)).rejects.toMatchObject({
      code: 'INPUT',
    });
  });

  test('pixels and tensors have no second frame', async () => {
    const tensor = tf.tensor3d([1, 2, 3], [1, 1, 3]);
    for (const input of [{ data: new Uint8Array(3), width: 1, height: 1, channels: 3 } as const, tensor]) {
      await expect(toPixels(input, { frame: 1 })).rejects.toMatchObject({ code: 'OPTION' });
      expect(await toPixels(input, { frame: 0 })).toMatchObject({ width: 1, channels: 3 });
    }
    tensor.dispose();
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
    ['too few levels', { data: new Uint8Array(5) }, 'SHAPE', 'an image of 2x1 with 3 channels has 6 levels, got 5'],
    ['too many levels', { data: new Uint8Array(7) }, 'SHAPE', 'an image of 2x1 with 3 channels has 6 levels, got 7'],
    ['too few rows', { height: 2 }, 'SHAPE', 'an image of 2x2 with 3 channels has 12 levels, got 6'],
    ['no width', { width: 0 }, 'SHAPE', `${sides} 0 and 1`],
    ['no height', { height: 0 }, 'SHAPE', `${sides} 2 and 0`],
    ['less than no sides', { width: -2, height: -1 }, 'SHAPE', `${sides} -2 and -1`],
    ['half a column', { width: 1.5 }, 'SHAPE', `${sides} 1.5 and 1`],
    ['half a row', { height: 0.5 }, 'SHAPE', `${sides} 2 and 0.5`],
    ['a width that is no number', { width: '2' }, 'SHAPE', `${sides} "2" and 1`],
    ['a height that is no number', { height: undefined }, 'SHAPE', `${sides} 2 and undefined`],
    ['two channels', { channels: 2 }, 'CHANNELS', 'an image has 1, 3 or 4 channels, got 2'],
    ['channels in words', { channels: '3' }, 'CHANNELS', 'an image has 1, 3 or 4 channels, got "3"'],
    ['floats', { data: new Float32Array(6) }, 'INPUT', `${bytes} Float32Array of 24 bytes`],
    ['signed bytes', { data: new Int8Array(6) }, 'INPUT', `${bytes} Int8Array of 6 bytes`],
    ['a plain array', { data: [1, 2, 3, 4, 5, 6] }, 'INPUT', `${bytes} an Array`],
    // Its tag says what it is not.
    ['what calls itself bytes', { data: named('Uint8Array') }, 'INPUT', `${bytes} an object with the keys length`],
  ])('refuses a PixelImage of %s', async (_, change, code, message) => {
    await expect(toPixels({ ...image, ...change } as PixelImage)).rejects.toMatchObject({
      name: 'FerError',
      code,
      message,
    });
  });

  test.each<[string, () => tf.Tensor, string, string]>([
    [
      'NaN',
      () => tf.tensor3d([1, Number.NaN, 3], [1, 1, 3]),
      'NOT_FINITE',
      'the image tensor contains NaN at [0, 0, 1]',
    ],
    [
      'infinity',
      () => tf.tensor3d([1, 2, 3, Number.POSITIVE_INFINITY], [2, 2, 1]),
      'NOT_FINITE',
      'the image tensor contains Infinity at [1, 1, 0]',
    ],
    ['rank 2', () => tf.tensor2d([1, 2], [1, 2]), 'SHAPE', `${shape} [1,2]`],
    ['rank 4', () => tf.zeros([1, 4, 4, 3]), 'SHAPE', `${shape} [1,4,4,3]`],
    ['no rows', () => tf.zeros([0, 4, 3]), 'SHAPE', 'an image tensor has no pixels: shape [0,4,3]'],
    ['no columns', () => tf.zeros([4, 0, 3]), 'SHAPE', 'an image tensor has no pixels: shape [4,0,3]'],
    [
      'two channels',
      () => tf.zeros([4, 5, 2]),
      'CHANNELS',
      'an image tensor has 1, 3 or 4 channels, got the shape [4,5,2]',
    ],
    ['the -1..1 scale', () => tf.tensor3d([-1, 0.2, 1], [1, 1, 3]), 'INPUT', `${scale} -1 at [0, 0, 0]`],
    [
      'the 0..65535 scale',
      () => tf.tensor3d([3, 4, 5, 6, 7, 8, 9, 10, 11, 0, 65535, 0], [2, 2, 3]),
      'INPUT',
      `${scale} 65535 at [1, 1, 1]`,
    ],
    ['bool', () => tf.zeros([2, 2, 1], 'bool'), 'INPUT', 'an image tensor is of dtype float32 or int32, got bool'],
  ])('refuses a tensor of %s', async (_, make, code, message) => {
    const tensor = make();
    await expect(toPixels(tensor as tf.Tensor3D)).rejects.toMatchObject({ name: 'FerError', code, message });
    tensor.dispose();
  });

  test('accepts levels of a tensor up to a hundredth outside the scale, from rounding, and clips them', async () => {
    const tensor = tf.tensor3d([-0.0099, 255.0099, 0, 255], [2, 2, 1]);
    expect([...(await toPixels(tensor)).data]).toEqual([0, 255, 0, 255]);
    for (const [level, text] of [
      [-0.0101, '-0.010099'],
      [255.0101, '255.010'],
    ] as const) {
      const beyond = tf.tensor3d([1, level], [1, 2, 1]);
      await expect(toPixels(beyond)).rejects.toThrow(`${scale} ${text}`);
    }
  });

  test.each<[string, object, string]>([
    ['a shape that is none', { shape: [1.5, 2, 1] }, 'an image tensor has no pixels: shape [1.5,2,1]'],
    ['a width that is none', { shape: [1, '2', 1] }, 'an image tensor has no pixels: shape [1,2,1]'],
    ['less than it says', { shape: [1, 3, 1] }, 'an image tensor of shape [1,3,1] holds 2 levels'],
  ])('refuses what is like a tensor and has %s', async (_, change, message) => {
    const tensor = { shape: [1, 2, 1], dtype: 'float32', isDisposed: false, data: async () => Float32Array.of(1, 2) };
    expect((await toPixels(tensor as unknown as ImageInput)).data).toEqual(Float32Array.of(1, 2));
    await expect(toPixels({ ...tensor, ...change } as unknown as ImageInput)).rejects.toMatchObject({
      name: 'FerError',
      code: 'SHAPE',
      message,
    });
  });

  test('an object that lacks a part of a tensor is not a tensor', async () => {
    const tensor = { shape: [1, 2, 1], dtype: 'float32', isDisposed: false, data: async () => Float32Array.of(1, 2) };
    for (const change of [{ shape: '1,2,1' }, { dtype: 7 }, { data: [1, 2] }]) {
      await expect(toPixels({ ...tensor, ...change } as unknown as ImageInput)).rejects.toMatchObject({
        code: 'INPUT',
        message: expect.stringContaining('shape, dtype, isDisposed, data is not an image'),
      });
    }
    const pixels = { ...image, shape: [1, 2, 3], dtype: 'uint8' };
    expect((await toPixels(pixels)).data).toBe(image.data);
  });

  test.each(['data', 'width', 'height'] as const)('an object without %s is not an image', async (field) => {
    const { [field]: _, ...rest } = image;
    await expect(toPixels(rest as PixelImage)).rejects.toMatchObject({
      code: 'INPUT',
      message: expect.stringContaining('is not an image'),
    });
  });

  test('leaves an ImageData of another colour space to the platform; a PixelImage has no colour space', async () => {
    const wide = { data: new Uint8ClampedArray(8), width: 2, height: 1, colorSpace: 'display-p3' };
    await expect(toPixels(wide as unknown as ImageData)).rejects.toThrow('is not an image');
    expect(await toPixels({ ...wide, channels: 4 } as PixelImage)).toMatchObject({ channels: 4 });
  });

  test('an input that throws when it is inspected gives an error with its message', async () => {
    const cause = new Error('no data today');
    const input = Object.defineProperty({ width: 2, height: 1 }, 'data', {
      enumerable: true,
      get() {
        throw cause;
      },
    });
    await expect(toPixels(input as unknown as PixelImage)).rejects.toMatchObject({
      name: 'FerError',
      code: 'INPUT',
      message: 'an object with the keys width, height, data cannot be read: no data today',
      cause,
    });
  });

  test('says where NaN is', async () => {
    const tensor = tf.tensor3d([0, 1, 2, 3, Number.NaN, 5], [1, 2, 3]);
    await expect(toPixels(tensor)).rejects.toThrow('NaN at [0, 1, 1]');
    tensor.dispose();
  });

  test('refuses a disposed tensor', async () => {
    const tensor = tf.tensor3d([1], [1, 1, 1]);
    tensor.dispose();
    await expect(toPixels(tensor)).rejects.toMatchObject({ code: 'DISPOSED', message: 'the image tensor is disposed' });
  });

  test('the pixel limit also applies to pixels', async () => {
    await expect(toPixels(image, { maxPixels: 1 })).rejects.toMatchObject({
      code: 'TOO_LARGE',
      message: 'the image is 2x1: 2 pixels, over the limit of 1; maxPixels raises it',
    });
    expect(await toPixels(image, { maxPixels: 2 })).toMatchObject({ width: 2 });
    const tensor = tf.zeros<tf.Rank.R3>([4, 4, 1]);
    await expect(toPixels(tensor, { maxPixels: 15 })).rejects.toMatchObject({
      code: 'TOO_LARGE',
      message: 'the image tensor is 4x4: 16 pixels, over the limit of 15; maxPixels raises it',
    });
    expect(await toPixels(tensor, { maxPixels: 16 })).toMatchObject({ width: 4 });
    tensor.dispose();
  });

  test.each([0, -1, Number.NaN])('refuses a pixel limit of %d', async (maxPixels) => {
    await expect(toPixels(image, { maxPixels })).rejects.toMatchObject({ code: 'OPTION' });
  });

  test.each([
    [null, 'null'],
    [undefined, 'undefined'],
    [5, '5'],
    [{}, 'an object without keys'],
    [[], 'an Array'],
    [() => 0, 'a function'],
    [Symbol.iterator, 'Symbol(Symbol.iterator)'],
  ])('refuses %s, and says what images there are', async (input, name) => {
    await expect(toPixels(input as unknown as ImageInput)).rejects.toMatchObject({
      name: 'FerError',
      code: 'INPUT',
      message: `${name} is not an image: pass a path, encoded bytes, { data, width, height, channels } or a tensor`,
    });
  });
});

/** Six levels in an object that is not a typed array, and whose `Symbol.toStringTag` is another one. */
function named(kind: string): object {
  return { length: 6, [Symbol.toStringTag]: kind };
}

/** Named as a Float16Array, which Node 20 does not have. */
function floats(...values: number[]): Float32Array {
  return Object.defineProperty(Float32Array.from(values), Symbol.toStringTag, { value: 'Float16Array' });
}
