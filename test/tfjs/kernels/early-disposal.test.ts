import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { noise, on, PATHS, startOn } from './paths.js';

describe.each(PATHS)('gradients on the %s path', (path) => {
  beforeAll(() => startOn(path));

  test('are computed in memory that does not grow with the number of layers', () => {
    const [few, many] = [4, 24].map(heldAtTheEnd);
    // The forward pass keeps one tensor a layer, which is freed on the way back.
    expect(many).toBeLessThan(few + 8);
  });

  test('may be given for several inputs as one tensor', async () => {
    const twice = tf.customGrad(((a: tf.Tensor, b: tf.Tensor) => ({
      value: tf.add(a, b),
      gradFunc: (dy: tf.Tensor) => [dy, dy],
    })) as never) as (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;
    await expectAsOnCpu((x) => twice(tf.relu(twice(x, tf.mul(x, 2))), tf.relu(twice(tf.relu(x), x))));
  });

  test('may be a tensor of the caller, which stays', async () => {
    const mine: Record<string, tf.Tensor> = {};
    for (const backend of ['cpu', 'wasm']) {
      await tf.setBackend(backend);
      mine[backend] = noise([2, 3], 5);
    }
    const constant = tf.customGrad(((x: tf.Tensor) => ({
      value: tf.mul(x, 3),
      gradFunc: () => mine[tf.getBackend()],
    })) as never) as (x: tf.Tensor) => tf.Tensor;
    await expectAsOnCpu((x) => tf.relu(constant(tf.relu(constant(tf.mul(x, x))))));
    for (const tensor of Object.values(mine)) {
      expect(tensor.isDisposed).toBe(false);
      tensor.dispose();
    }
  });

  test('may be a tensor that was saved forward', async () => {
    const saved = tf.customGrad(((x: tf.Tensor, save: (tensors: tf.Tensor[]) => void) => {
      save([x]);
      return { value: tf.mul(tf.square(x), 0.5), gradFunc: (_: tf.Tensor, [kept]: tf.Tensor[]) => kept };
    }) as never) as (x: tf.Tensor) => tf.Tensor;
    await expectAsOnCpu((x) => saved(tf.mul(tf.relu(x), 2)));
  });

  test('may be asked for by tensors on the way', async () => {
    const both = () => {
      const x = noise([2, 3], 1);
      const square = tf.square(x);
      const f = (a: tf.Tensor, b: tf.Tensor) => tf.sum(tf.mul(tf.relu(tf.add(a, b)), tf.square(a)));
      const outer = tf.grads((a: tf.Tensor) => {
        const middle = tf.square(a);
        const [first, second] = tf.grads(f)([a, middle]);
        return tf.sum(tf.add(tf.mul(first, middle), second));
      });
      return [...tf.grads(f)([x, square]), ...outer([x])];
    };
    const expected = await on('cpu', both);
    const actual = await on('wasm', both);
    for (const [i, { values }] of actual.entries()) expectClose(values, expected[i].values);
  });

  test('leave no tensor, and none of the caller is disposed of', async () => {
    await tf.setBackend('wasm');
    const x = noise([2, 3], 1);
    const dy = noise([2, 3], 2);
    const { numTensors } = tf.memory();
    const dx = tf.grad((a) => tf.mul(tf.relu(a), tf.add(a, tf.relu(tf.square(a)))))(x, dy);
    expect(tf.memory().numTensors).toBe(numTensors + 1);
    expect([x, dy].map((tensor) => tensor.isDisposed)).toEqual([false, false]);
    tf.dispose([x, dy, dx]);
  });
});

/** Tensors that are held when the gradient of the first of so many layers is asked for. */
function heldAtTheEnd(layers: number): number {
  let held = 0;
  const probe = tf.customGrad(((x: tf.Tensor) => ({
    value: tf.clone(x),
    gradFunc(dy: tf.Tensor) {
      held = tf.memory().numDataBuffers;
      return tf.clone(dy);
    },
  })) as never) as (x: tf.Tensor) => tf.Tensor;
  const x = noise([4, 4], 1);
  const before = tf.memory().numDataBuffers;
  const chain = (a: tf.Tensor) => {
    let y = probe(a);
    for (let i = 0; i < layers; i++) y = tf.relu(tf.square(y));
    return tf.sum(y);
  };
  tf.dispose([x, tf.tidy(() => tf.grad(chain)(x))]);
  return held - before;
}

async function expectAsOnCpu(f: (x: tf.Tensor) => tf.Tensor): Promise<void> {
  const gradient = () => [tf.grad(f)(noise([2, 3], 1), noise([2, 3], 2))];
  const [expected] = await on('cpu', gradient);
  const [actual] = await on('wasm', gradient);
  expectClose(actual.values, expected.values);
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) expect(actual[i]).toBeCloseTo(expected[i], 5);
}
