import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { useBackend } from '../../src/classify/use-backend.js';
import { normalize } from '../../src/image/normalize.js';
import { resample } from '../../src/image/resample.js';
import type { PixelImage } from '../../src/runtime.js';
import { preprocess } from '../../src/tfjs/preprocess.js';

const data = Uint8Array.from({ length: 60 * 44 * 3 }, (_, k) => (k * k * 7 + (k >> 3)) % 256);
const image: PixelImage = { data, width: 60, height: 44, channels: 3 };
let dir: string;
let path: string;
let png: Buffer;

beforeAll(async () => {
  await useBackend('cpu');
  dir = mkdtempSync(join(tmpdir(), 'fer-dcnn-preprocess-'));
  path = join(dir, 'face.png');
  png = await sharp(data, { raw: { width: 60, height: 44, channels: 3 } })
    .png()
    .toBuffer();
  writeFileSync(path, png);
});
afterAll(() => rmSync(dir, { recursive: true }));

describe('preprocess', () => {
  test('one image gives [1, 32, 32, 1]: luma / 255', async () => {
    const xs = await preprocess(image);
    expect(xs.shape).toEqual([1, 32, 32, 1]);
    expect(xs.dtype).toBe('float32');
    expect(await xs.data()).toEqual(resample(image).map((level) => level / 255));
    xs.dispose();
  });

  test('path, bytes, Blob, PixelImage and tensors give the same, to the last bit', async () => {
    const tensor = tf.tensor3d(Float32Array.from(data), [44, 60, 3]);
    const whole = tf.tensor3d(Int32Array.from(data), [44, 60, 3]);
    const xs = await preprocess([image, path, png, new Blob([new Uint8Array(png)]), tensor, whole]);
    expect(xs.shape).toEqual([6, 32, 32, 1]);
    const values = await xs.data();
    for (let row = 1; row < 6; row++) {
      expect(values.subarray(row * 1024, (row + 1) * 1024)).toEqual(values.subarray(0, 1024));
    }
    tf.dispose([xs, tensor, whole]);
  });

  test('rows keep the order of the list', async () => {
    const images = Array.from({ length: 23 }, (_, level): PixelImage => {
      return { data: new Uint8Array(4).fill(level), width: 2, height: 2, channels: 1 };
    });
    const xs = await preprocess(images.map((grey, index) => (index === 3 ? png : grey)));
    const values = await xs.data();
    images.forEach((_, index) => {
      if (index !== 3) expect(values[index * 1024]).toBeCloseTo(index / 255, 6);
    });
    xs.dispose();
  });

  test('uses the options normalization, channels, size and box', async () => {
    const box = { x: 10, y: 5, width: 30, height: 30 };
    const xs = await preprocess(image, { normalization: 'standardize', channels: 3, size: 16, box });
    expect(xs.shape).toEqual([1, 16, 16, 3]);
    const levels = resample(image, { width: 16, height: 16, channels: 3, box });
    expect(await xs.data()).toEqual(normalize(levels, { normalization: 'standardize', width: 16, channels: 3 }));
    xs.dispose();
  });

  test('an empty list is refused', async () => {
    await expect(preprocess([])).rejects.toMatchObject({ name: 'FerError', code: 'INPUT' });
  });

  test('a bad item of a list is named by its index, with its own code', async () => {
    await expect(preprocess([image, '/no/such/face.jpg', image])).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringMatching(/image 1: .*no\/such\/face\.jpg/),
    });
  });

  test('no tensor is left behind, even after errors', async () => {
    const nan = tf.tensor3d([Number.NaN], [1, 1, 1]);
    const before = tf.memory().numTensors;
    for (const input of [nan, [image, nan], '/no/such/face.jpg', Buffer.from('text'), []]) {
      await expect(preprocess(input)).rejects.toMatchObject({ name: 'FerError' });
    }
    await expect(preprocess(image, { normalization: 'none' as 'unit' })).rejects.toMatchObject({ code: 'OPTION' });
    await expect(preprocess(image, { maxPixels: 5 })).rejects.toMatchObject({ code: 'TOO_LARGE' });
    expect(tf.memory().numTensors).toBe(before);
    const xs = await preprocess(image);
    expect(tf.memory().numTensors).toBe(before + 1);
    tf.dispose([xs, nan]);
  });
});
