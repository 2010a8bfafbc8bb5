import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, expect, test } from 'vitest';
import { useBackend } from '../../../src/classify/use-backend.js';
import { dropout } from '../../../src/tfjs/kernels/dropout.js';
import { randomBits } from '../../../src/tfjs/train/random.js';
import { withSeededDropout } from '../../../src/tfjs/train/seeded-dropout.js';

beforeAll(() => useBackend('cpu'));

const keys = [5, 17];
const xs = () => tf.ones([2, 4, 3]);
const trained = (model: LayersModel, input: tf.Tensor) => model.apply(input, { training: true }) as tf.Tensor;

test('every dropout layer draws from a stream of the keys and of its number, inner models counted in their place', () => {
  const inner = sequential({ layers: [layers.dropout({ rate: 0.25, inputShape: [4, 3] })] });
  const model = sequential({
    layers: [
      layers.dropout({ rate: 0.5, inputShape: [4, 3] }),
      // These two drop nothing, and are not counted.
      layers.dropout({ rate: 0 }),
      layers.dropout({ rate: 1 }),
      inner,
      layers.dropout({ rate: 0.1 }),
    ],
  });
  const rates = [0.5, 0.25, 0.1];
  const expected = rates.reduce((x, rate, i) => dropout(x, rate, randomBits(...keys, i)()), xs() as tf.Tensor);
  const out = withSeededDropout(model, keys, () => trained(model, xs()));
  expect(out.dataSync()).toEqual(expected.dataSync());
  const other = withSeededDropout(model, [5, 18], () => trained(model, xs()));
  expect(other.dataSync()).not.toEqual(out.dataSync());
});

test('a noise shape gives the mask its shape: a size that is left open is that of the input', () => {
  const model = sequential({
    layers: [layers.dropout({ rate: 0.5, noiseShape: [null as unknown as number, 4, 1], inputShape: [4, 3] })],
  });
  const input = tf.reshape(tf.range(1, 25), [2, 4, 3]);
  const mask = dropout(tf.ones([2, 4, 1]), 0.5, randomBits(...keys, 0)());
  const out = withSeededDropout(model, keys, () => trained(model, input));
  expect(out.dataSync()).toEqual(tf.mul(input, mask).dataSync());
});

test('a layer that is called with a list of one tensor uses that tensor', () => {
  const layer = layers.dropout({ rate: 0.5, inputShape: [4, 3] });
  const model = sequential({ layers: [layer] });
  const [one, list] = [xs(), [xs()]].map((inputs) =>
    withSeededDropout(model, keys, () => layer.call(inputs, {}) as tf.Tensor),
  );
  expect(list.dataSync()).toEqual(one.dataSync());
});

test('other layers with a rate keep their behaviour', () => {
  const others = [layers.gaussianDropout({ rate: 0.5, inputShape: [4, 3] }), layers.alphaDropout({ rate: 0.5 })];
  const model = sequential({ layers: others });
  const own = withSeededDropout(model, keys, () => others.map((layer) => Object.hasOwn(layer, 'call')));
  expect(own).toEqual([false, false]);
});

test('after a step, also a failed one, the layers are restored', () => {
  const layer = layers.dropout({ rate: 0.5, inputShape: [4, 3] });
  const model = sequential({ layers: [layer] });
  const call = layer.call;
  expect(withSeededDropout(model, keys, () => layer.call !== call && 'the result')).toBe('the result');
  expect(layer.call).toBe(call);
  expect(() =>
    withSeededDropout(model, keys, () => {
      throw new Error('a step that fails');
    }),
  ).toThrow('a step that fails');
  expect(Object.hasOwn(layer, 'call')).toBe(false);
  expect(trained(model, xs()).shape).toEqual([2, 4, 3]);
});

test('leaves no tensor behind but the outputs', () => {
  const noiseShape = [2, 4, 1];
  for (const layer of [layers.dropout({ rate: 0.5 }), layers.dropout({ rate: 0.5, noiseShape })]) {
    const model = sequential({ layers: [layers.inputLayer({ inputShape: [4, 3] }), layer] });
    const input = xs();
    const before = tf.memory().numTensors;
    withSeededDropout(model, keys, () => layer.call(input, {}));
    expect(tf.memory().numTensors).toBe(before + 1);
  }
});
