import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { registerTrainingKernels } from '../../src/kernels/index.js';
import { randomStream } from '../../src/train/random.js';

/** A convolutional net and what it is shown, from numbers alone. */
interface Case {
  size: number;
  channels: number;
  filters: number;
  kernelSize: number;
  strides: number;
  padding: 'same' | 'valid';
  activation: 'relu' | 'tanh' | 'sigmoid' | 'linear';
  pool: boolean;
  classes: number;
  batch: number;
  image: keyof typeof IMAGES;
  seed: number;
}

const cases: fc.Arbitrary<Case> = fc.record({
  size: fc.integer({ min: 5, max: 9 }),
  channels: fc.integer({ min: 1, max: 5 }),
  filters: fc.integer({ min: 1, max: 9 }),
  kernelSize: fc.integer({ min: 1, max: 4 }),
  strides: fc.integer({ min: 1, max: 2 }),
  padding: fc.constantFrom('same', 'valid'),
  activation: fc.constantFrom('relu', 'tanh', 'sigmoid', 'linear'),
  pool: fc.boolean(),
  classes: fc.integer({ min: 2, max: 6 }),
  batch: fc.integer({ min: 1, max: 3 }),
  image: fc.constantFrom('noise', 'black', 'constant', 'denormal', 'huge'),
  seed: fc.nat(),
});

test('outputs and gradients of random models agree between cpu and wasm, whatever the image', async () => {
  await registerTrainingKernels();
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(cases, async (given) => {
      const onCpu = await outputsAndGradients('cpu', given);
      const onWasm = await outputsAndGradients('wasm', given);
      expect(onWasm).toHaveLength(onCpu.length);
      // float32's rounding: of a sum, of what grows with the image, and of probabilities that follow from large logits.
      const tolerance = 3e-6 * (given.image === 'huge' ? 1e3 : 1) * Math.max(1, largest(onCpu[0]));
      for (const [k, expected] of onCpu.entries()) {
        expect(onWasm[k].every(Number.isFinite)).toBe(true);
        expect(largest(onWasm[k].map((value, i) => value - expected[i]))).toBeLessThanOrEqual(tolerance);
      }
      seen.add(given.image);
    }),
    { numRuns: 150 },
  );
  expect(seen.size).toBe(Object.keys(IMAGES).length);
});

// --- below this line: helpers of this file alone ---

const IMAGES = {
  noise: (random: () => number) => random() * 2 - 1,
  black: () => 0,
  constant: () => 0.7,
  denormal: (random: () => number) => (random() - 0.5) * 1e-39,
  huge: (random: () => number) => (random() - 0.5) * 2e3,
};

/** Logits, then the gradient of the cross-entropy by each weight. */
async function outputsAndGradients(backend: string, given: Case): Promise<Float32Array[]> {
  await tf.setBackend(backend);
  const { size, channels, filters, kernelSize, strides, padding, activation, pool, classes, batch, image, seed } =
    given;
  const model = layers.sequential();
  const inputShape = [size, size, channels];
  model.add(layers.layers.conv2d({ inputShape, filters, kernelSize, strides, padding, activation }));
  if (pool) model.add(layers.layers.maxPooling2d({ poolSize: 2, padding: 'same' }));
  model.add(layers.layers.flatten());
  model.add(layers.layers.dense({ units: classes }));

  const random = randomStream(seed);
  const filled = (shape: number[], value: (random: () => number) => number) =>
    tf.tensor(
      Float32Array.from({ length: shape.reduce((product, n) => product * n, 1) }, () => value(random)),
      shape,
    );
  const results = tf.tidy(() => {
    model.setWeights(model.getWeights().map(({ shape }) => filled(shape, () => random() - 0.5)));
    const xs = filled([batch, ...inputShape], IMAGES[image]);
    const ys = tf.oneHot(
      tf.tensor1d(
        Array.from({ length: batch }, (_, i) => i % classes),
        'int32',
      ),
      classes,
    );
    const { grads } = tf.variableGrads(() => {
      const logits = model.apply(xs, { training: true }) as tf.Tensor;
      return tf.losses.softmaxCrossEntropy(ys, logits) as tf.Scalar;
    });
    const logits = model.apply(xs) as tf.Tensor;
    return [logits, ...Object.values(grads)].map((tensor) => tensor.dataSync<'float32'>().slice());
  });
  model.dispose();
  return results;
}

function largest(values: Float32Array): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}
