import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import fc from '../../fast-check.js';
import { runs } from '../../night.js';
import { differenceOf, noise, on, PATHS, startOn } from './paths.js';

type Norm = (x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor) => tf.Tensor;

/** Batch normalization as the kernel whose output is deferred, and out of TF.js's ops. */
const kernel: Norm = (x, scale, offset) =>
  (tf.engine().runKernel('FerBatchNormTraining', { x, scale, offset }, { varianceEpsilon: 0.1 }) as never)[0];
const ops: Norm = (x, scale, offset) => {
  const axes = x.shape.slice(0, -1).map((_, axis) => axis);
  const { mean, variance } = tf.moments(x, axes);
  return tf.add(tf.mul(tf.sub(x, mean), tf.mul(scale, tf.rsqrt(tf.add(variance, 0.1)))), offset);
};

/** What may follow a batch normalization; `other` is another one of the same shape, `x` a tensor that is there. */
const AFTER: Record<string, (y: tf.Tensor, other: tf.Tensor, x: tf.Tensor) => tf.Tensor> = {
  relu: (y) => tf.relu(y),
  relu6: (y) => tf.relu6(tf.mul(y, 4)),
  'relu6 at once': (y) => tf.relu6(y),
  clip: (y) => tf.clipByValue(y, -0.5, 0.25),
  'clipped relu': (y) => tf.clipByValue(tf.relu(y), -1, 0.5),
  'relu of relu': (y) => tf.relu(tf.relu(y)),
  'relu and the tensor itself': (y) => tf.add(tf.relu(y), tf.mul(y, y)),
  'relu of another shape': (y) => tf.reshape(tf.relu(tf.reshape(y, [y.size / 2, 2])), y.shape),
  'a sum of another shape': (y, other) =>
    tf.reshape(tf.relu(tf.add(tf.reshape(y, [y.size / 2, 2]), tf.reshape(other, [y.size / 2, 2]))), y.shape),
  'relu of a sum': (y, _, x) => tf.relu(tf.add(y, x)),
  'relu of a sum of two': (y, other) => tf.relu(tf.add(y, other)),
  'relu6 of a sum': (y, other) => tf.relu6(tf.add(other, y)),
  'sums of sums': (y, other, x) => tf.relu(tf.add(tf.add(tf.add(y, other), x), tf.add(y, y))),
  nothing: (y) => y,
};

const dependsOn = (a: tf.Tensor, b: tf.Tensor, ...vectors: tf.Tensor[]) => tf.mul(tf.mul(a, b), tf.addN(vectors));

describe.each(PATHS)('deferred tensors on the %s path', (path) => {
  beforeAll(() => startOn(path));

  test.each(Object.keys(AFTER))('have the values and gradients of ops: %s', async (name) => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 150 }), fc.integer({ min: 1, max: 21 }), async (rows, columns) => {
        const work = (norm: Norm) => () => {
          const inputs = [
            noise([rows, 2, columns], 1),
            noise([rows, 2, columns], 2),
            ...[3, 4, 5].map((phase) => noise([columns], phase)),
          ];
          const f = (...[a, b, scale, offset, by]: tf.Tensor[]) =>
            // The second term depends on every input.
            tf.add(
              AFTER[name](norm(a, scale, offset), norm(b, by, scale), tf.mul(b, 2)),
              dependsOn(a, b, scale, offset, by),
            );
          return [f(...inputs), ...tf.grads(f)(inputs, noise([rows, 2, columns], 6))];
        };
        const expected = await on('wasm', work(ops));
        const actual = await on('wasm', work(kernel));
        actual.forEach((result, i) => {
          expect(differenceOf(result, expected[i]), `output ${i}`).toBeLessThan(1e-4);
        });
      }),
      { numRuns: runs(30) },
    );
  });

  test('keep no memory, whether they are read or not', () => {
    const [x, scale, offset] = [noise([64, 8], 1), noise([8], 2), noise([8], 3)];
    const step = (after: (y: tf.Tensor) => tf.Tensor) =>
      tf.tidy(() =>
        tf
          .grad((a) => after(kernel(a, scale, offset)))(x)
          .dataSync(),
      );
    const before = tf.memory();
    for (const after of [tf.relu, (y: tf.Tensor) => tf.mul(y, y), (y: tf.Tensor) => tf.relu(tf.add(y, y)), tf.relu6]) {
      step(after as never);
    }
    // Not read at all: its inputs are held as long as it lives.
    tf.tidy(() => {
      kernel(tf.mul(x, 2), scale, offset);
    });
    const after = tf.memory();
    expect([after.numTensors, after.numDataBuffers, after.numBytes]).toEqual([
      before.numTensors,
      before.numDataBuffers,
      before.numBytes,
    ]);
    tf.dispose([x, scale, offset]);
  });

  test('outlive the tensors that they are computed from', () => {
    const y = tf.tidy(() => kernel(noise([50, 6], 1), noise([6], 2), noise([6], 3)));
    const expected = tf.tidy(() => ops(noise([50, 6], 1), noise([6], 2), noise([6], 3)));
    const results = [y, expected].map(({ shape, dataSync }, i) => ({
      shape,
      values: dataSync.call([y, expected][i]) as Float32Array,
    }));
    expect(differenceOf(results[0], results[1])).toBeLessThan(1e-5);
    tf.dispose([y, expected]);
  });

  test('can be moved to another backend', async () => {
    const y = tf.tidy(() => kernel(noise([50, 6], 1), noise([6], 2), noise([6], 3)));
    const expected = y.arraySync();
    const again = tf.tidy(() => kernel(noise([50, 6], 1), noise([6], 2), noise([6], 3)));
    await tf.setBackend('cpu');
    const moved = tf.clone(again);
    expect(moved.arraySync()).toEqual(expected);
    tf.dispose([y, again, moved]);
    await tf.setBackend('wasm');
  });

  test('pass on NaN', () => {
    const x = tf.tensor2d([1, Number.NaN, 3, 4, 5, 6], [3, 2]);
    const [value, slope] = tf.tidy(() => {
      const f = (a: tf.Tensor) => tf.relu(kernel(a, tf.ones([2]), tf.zeros([2])));
      return [f(x), tf.grad(f)(x)].map((tensor) => Array.from(tensor.dataSync()));
    });
    for (const values of [value, slope]) {
      expect(values.map(Number.isNaN)).toEqual([false, true, false, true, false, true]);
    }
    x.dispose();
  });

  test('are summed in a loop of any length', () => {
    const x = noise([2, 3], 1);
    const steps = 3000;
    const sum = (a: tf.Tensor) => {
      let y = a;
      for (let i = 0; i < steps; i++) y = tf.add(y, a);
      return y;
    };
    const [value] = tf.tidy(() => [tf.valueAndGrad(sum)(x).value.dataSync()]);
    x.dataSync().forEach((one, i) => {
      expect(value[i] / one).toBeCloseTo(steps + 1, 0);
    });
    x.dispose();
  });
});
