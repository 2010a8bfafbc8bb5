import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { differenceOf, noise, PATHS, startOn, type Values } from './paths.js';

/** What PyTorch gives, in float64; torch-numbers.py says how. */
const { cases } = JSON.parse(readFileSync('test/tfjs/kernels/torch.json', 'utf8')) as {
  cases: Record<string, Values[]>;
};

type Op = (...inputs: tf.Tensor[]) => tf.Tensor;
const image = (x: tf.Tensor) => x as tf.Tensor4D;

/** Name of the case, shapes of its inputs (noise of phase 1, 2, ...), the op. */
const OPS: [string, number[][], Op][] = [
  [
    'conv3d',
    [
      [1, 3, 4, 4, 2],
      [2, 3, 3, 2, 3],
    ],
    (x, f) => tf.conv3d(x as tf.Tensor5D, f as tf.Tensor5D, 1, 'valid'),
  ],
  [
    'conv3d stride 2',
    [
      [1, 3, 4, 4, 2],
      [2, 3, 3, 2, 3],
    ],
    (x, f) => tf.conv3d(x as tf.Tensor5D, f as tf.Tensor5D, [1, 2, 2], 'valid'),
  ],
  ['maxPool3d of negative values', [[1, 4, 4, 4, 2]], (x) => tf.maxPool3d(tf.sub(x, 3) as tf.Tensor5D, 2, 2, 'valid')],
  ['avgPool3d', [[1, 4, 4, 4, 2]], (x) => tf.avgPool3d(x as tf.Tensor5D, 2, 1, 'valid')],
  ['avgPool with a border', [[2, 5, 5, 3]], (x) => tf.avgPool(image(x), 3, 1, 'same')],
  ['maxPool with a border and ceil', [[2, 5, 5, 3]], (x) => tf.maxPool(image(x), 2, 2, 0, 'ceil')],
  [
    'depthwise',
    [
      [2, 6, 6, 4],
      [3, 3, 4, 1],
    ],
    (x, f) => tf.depthwiseConv2d(image(x), image(f), 1, 'same'),
  ],
  [
    'depthwise stride 2',
    [
      [2, 6, 6, 4],
      [3, 3, 4, 1],
    ],
    (x, f) => tf.depthwiseConv2d(image(x), image(f), 2, 'valid'),
  ],
  [
    'depthwise dilated',
    [
      [2, 6, 6, 4],
      [3, 3, 4, 1],
    ],
    (x, f) => tf.depthwiseConv2d(image(x), image(f), 1, 'valid', 'NHWC', 2),
  ],
  [
    'conv2d dilated',
    [
      [2, 6, 6, 3],
      [3, 3, 3, 4],
    ],
    (x, f) => tf.conv2d(image(x), image(f), 1, 'valid', 'NHWC', 2),
  ],
  [
    'conv2dTranspose',
    [
      [1, 3, 3, 2],
      [3, 3, 4, 2],
    ],
    (x, f) => tf.conv2dTranspose(image(x), image(f), [1, 7, 7, 4], 2, 'valid'),
  ],
  ['gather', [[5, 3]], (table) => tf.gather(table, tf.tensor1d([4, 0, 4, 2], 'int32'))],
  [
    'einsum',
    [
      [2, 3, 4, 5],
      [2, 6, 4, 5],
    ],
    (a, b) => tf.einsum('bqhd,bkhd->bhqk', a, b),
  ],
  [
    'batch norm in training',
    [[3, 2, 2, 4], [4], [4]],
    (x, scale, offset) => {
      const { mean, variance } = tf.moments(x, [0, 1, 2]);
      return tf.batchNorm(
        x,
        mean as tf.Tensor1D,
        variance as tf.Tensor1D,
        offset as tf.Tensor1D,
        scale as tf.Tensor1D,
        1e-3,
      );
    },
  ],
  ['resizeBilinear', [[1, 3, 4, 2]], (x) => tf.image.resizeBilinear(image(x), [5, 7], true)],
  ['resizeNearestNeighbor', [[1, 3, 4, 2]], (x) => tf.image.resizeNearestNeighbor(image(x), [6, 8])],
  [
    'localResponseNormalization',
    [[1, 2, 2, 6]],
    // PyTorch divides alpha by the number of channels that count.
    (x) => tf.localResponseNormalization(image(x), 2, 1, 1, 0.75),
  ],
];

describe.each(PATHS)('values and gradients on the %s path are those of PyTorch', (path) => {
  beforeAll(() => startOn(path));

  test.each(OPS)('%s', (name, shapes, op) => {
    const results = tf.tidy(() => {
      dirtyMemory();
      const inputs = shapes.map((shape, i) => noise(shape, i + 1));
      const value = op(...inputs);
      const dy = noise(value.shape, 9);
      return [value, ...tf.grads(op)(inputs, dy)].map((t) => ({ shape: t.shape, values: t.dataSync() }));
    });
    expect(results).toHaveLength(cases[name].length);
    results.forEach((result, i) => {
      expect(differenceOf(result, cases[name][i]), `${name}: result ${i}`).toBeLessThan(1e-5);
    });
  });

  test('fft, of a size that is not a power of two', () => {
    const [real, imag] = tf.tidy(() => {
      const spectrum = tf.fft(tf.complex(noise([2, 9], 1), tf.zeros([2, 9])));
      return [tf.real(spectrum), tf.imag(spectrum)].map((t) => ({ shape: t.shape, values: t.dataSync() }));
    });
    expect(differenceOf(real, cases.fft[0])).toBeLessThan(1e-5);
    expect(differenceOf(imag, cases.fft[1])).toBeLessThan(1e-5);
  });

  test('the second derivative through relu', () => {
    const bend = tf.tidy(() => {
      const slope = tf.grad((x) => tf.sum(tf.pow(tf.relu(x), 3)));
      const result = tf.grad((x) => tf.sum(tf.mul(slope(x), noise([3, 4], 9))))(noise([3, 4], 1));
      return { shape: result.shape, values: result.dataSync() };
    });
    expect(differenceOf(bend, cases['relu twice'][0])).toBeLessThan(1e-5);
  });
});

/** Fresh memory is seldom zero in a program that runs for long. */
function dirtyMemory(): void {
  tf.dispose(Array.from({ length: 40 }, (_, i) => tf.fill([64 << (i % 5)], 1e30)));
}
