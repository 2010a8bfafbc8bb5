import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, test } from 'vitest';
import fc from '../../fast-check.js';
import { differenceOf, noise, on, PATHS, startOn, type Values } from './paths.js';

const { cases } = JSON.parse(readFileSync('test/tfjs/kernels/torch.json', 'utf8')) as {
  cases: Record<string, Values[]>;
};

/** Batch normalization as one op, and out of TF.js's. */
const fused = (x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor) =>
  tf
    .engine()
    .runKernel('FerBatchNormTraining', { x, scale, offset }, { varianceEpsilon: 1e-3 }) as unknown as tf.Tensor[];
const composed = (x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor) => {
  const { mean, variance } = tf.moments(
    x,
    x.shape.slice(0, -1).map((_, axis) => axis),
  );
  const factor = tf.mul(scale, tf.rsqrt(tf.add(variance, 1e-3)));
  return [tf.add(tf.mul(tf.sub(x, mean), factor), offset), mean, variance];
};

describe.each(PATHS)('batch normalization in training on the %s path', (path) => {
  beforeAll(() => startOn(path));

  test('gives the values and gradients of PyTorch', () => {
    const expected = cases['batch norm in training'];
    const results = plainly(() => {
      const inputs = [noise([3, 2, 2, 4], 1), noise([4], 2), noise([4], 3)];
      const normed = (...given: tf.Tensor[]) => fused(given[0], given[1], given[2])[0];
      const value = normed(...inputs);
      return [value, ...tf.grads(normed)(inputs, noise(value.shape, 9))];
    });
    expect(results).toHaveLength(expected.length);
    results.forEach((result, i) => {
      expect(differenceOf(result, expected[i])).toBeLessThan(1e-5);
    });
  });

  test('is that of TF.js, for any number of rows and channels, through all of its outputs', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 37 }), async (rows, columns) => {
        const work = (op: typeof fused) => () => {
          const inputs = [tf.add(noise([rows, 1, columns], 1), 5), noise([columns], 2), noise([columns], 3)];
          const loss = (...given: tf.Tensor[]) => {
            const outputs = op(given[0], given[1], given[2]);
            return tf.addN(outputs.map((output, i) => tf.sum(tf.mul(output, noise(output.shape, i + 4))))) as tf.Scalar;
          };
          return [...op(inputs[0], inputs[1], inputs[2]), ...tf.grads(loss)(inputs)];
        };
        const expected = await on('cpu', work(composed));
        const actual = await on('wasm', work(fused));
        actual.forEach((result, i) => {
          expect(differenceOf(result, expected[i]), `output ${i}`).toBeLessThan(2e-4);
        });
      }),
      { numRuns: 25 },
    );
  });

  test('has a second derivative, for penalties on gradients', async () => {
    const work = (op: typeof fused) => () => {
      const [x, scale, offset] = [noise([6, 2, 5], 1), noise([5], 2), noise([5], 3)];
      const penalty = (given: tf.Tensor, by: tf.Tensor) => {
        const slope = tf.grad((inner) => tf.sum(tf.pow(op(inner, by, offset)[0], 3)))(given);
        return tf.sum(tf.mul(slope, noise(x.shape, 4))) as tf.Scalar;
      };
      return tf.grads(penalty)([x, scale]);
    };
    const expected = await on('cpu', work(composed));
    const actual = await on('wasm', work(fused));
    actual.forEach((result, i) => {
      expect(differenceOf(result, expected[i])).toBeLessThan(1e-4);
    });
  });

  test('stays exact for means far from zero', async () => {
    await tf.setBackend('wasm');
    const [, mean, variance] = plainly(() => fused(tf.add(noise([500, 8], 1), 1000), tf.ones([8]), tf.zeros([8])));
    const rows = noise([500, 8], 1).arraySync() as number[][];
    for (let c = 0; c < 8; c++) {
      const column = rows.map((row) => Math.fround(row[c] + 1000));
      const exact = column.reduce((sum, value) => sum + value, 0) / 500;
      const spread = column.reduce((sum, value) => sum + (value - exact) ** 2, 0) / 500;
      expect(mean.values[c] - exact).toBeCloseTo(0, 3);
      expect(variance.values[c] / spread).toBeCloseTo(1, 3);
    }
  });

  test("a net trains to the weights and moving statistics of TF.js's cpu backend, and keeps no tensor", async () => {
    const expected = await trained('cpu');
    const actual = await trained('wasm');
    expect(actual).toHaveLength(13);
    actual.forEach((values, i) => {
      values.forEach((value, j) => {
        expect(value, `weight ${i}`).toBeCloseTo(expected[i][j], 4);
      });
    });
  });

  test.runIf(path !== 'composed')('a layer without scale and offset trains too', async () => {
    await tf.setBackend('wasm');
    const model = sequential({
      layers: [
        layers.dense({ inputShape: [3], units: 4 }),
        layers.batchNormalization({ scale: false, center: false }),
        layers.dense({ units: 1 }),
      ],
    });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const before = model.layers[1].getWeights().map((weight) => [...weight.dataSync()]);
    await model.trainOnBatch(noise([8, 3], 1), noise([8, 1], 2));
    const after = model.layers[1].getWeights().map((weight) => [...weight.dataSync()]);
    expect(after).toHaveLength(2);
    after.forEach((values, i) => {
      expect(values).not.toEqual(before[i]);
    });
    model.dispose();
  });
});

describe('a convolution layer', () => {
  test('computes no gradient of the images that it is given', async () => {
    await startOn('simd');
    const model = net();
    const kernels: string[] = [];
    const { runKernel } = tf.engine();
    tf.engine().runKernel = function (name, ...rest) {
      kernels.push(name);
      return runKernel.call(this, name, ...rest) as never;
    };
    await model.trainOnBatch(noise([4, 6, 6, 1], 8), noise([4, 2], 9)).finally(() => {
      tf.engine().runKernel = runKernel;
    });
    expect(kernels.filter((name) => name === 'Conv2DBackpropFilter')).toHaveLength(2);
    expect(kernels.filter((name) => name === 'Conv2DBackpropInput')).toHaveLength(1);
    model.dispose();
  });
});

function net(): LayersModel {
  const model = sequential({
    layers: [
      layers.conv2d({ inputShape: [6, 6, 1], filters: 4, kernelSize: 3, padding: 'same', useBias: false }),
      layers.batchNormalization({ momentum: 0.5 }),
      layers.reLU(),
      layers.conv2d({ filters: 3, kernelSize: 2, strides: 2, activation: 'sigmoid' }),
      layers.batchNormalization({ momentum: 0.5, axis: 3 }),
      layers.flatten(),
      layers.dense({ units: 2 }),
    ],
  });
  model.compile({ optimizer: tf.train.sgd(0.05), loss: 'meanSquaredError' });
  model.setWeights(
    model
      .getWeights()
      .map((weight, i) => tf.tidy(() => tf.mul(noise(weight.shape, i + 1), tf.abs(noise(weight.shape, i + 40))))),
  );
  return model;
}

async function trained(backend: string): Promise<number[][]> {
  await tf.setBackend(backend);
  const [x, y] = [noise([4, 6, 6, 1], 8), noise([4, 2], 9)];
  const model = net();
  await model.trainOnBatch(x, y);
  const before = tf.memory().numTensors;
  for (let i = 0; i < 4; i++) await model.trainOnBatch(x, y);
  expect(tf.memory().numTensors).toBe(before);
  const weights = model.getWeights().map((weight) => [...weight.dataSync()]);
  model.dispose();
  tf.dispose([x, y]);
  return weights;
}

function plainly(work: () => tf.Tensor[]): Values[] {
  let values: Values[] = [];
  tf.tidy(() => {
    values = work().map((tensor) => ({ shape: tensor.shape, values: tensor.dataSync() }));
  });
  return values;
}
