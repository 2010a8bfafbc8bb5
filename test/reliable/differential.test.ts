import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import { expect, test } from 'vitest';
import { startBackend } from '../../src/classify/use-backend.js';
import type { Normalization } from '../../src/image/normalize.js';
import { buildModel, createClassifier, EMOTIONS } from '../../src/index.js';
import { registerTrainingKernels } from '../../src/kernels.js';
import { randomStream } from '../../src/tfjs/train/random.js';
import fc from '../fast-check.js';
import { NIGHT, runs } from '../night.js';

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

test('outputs and gradients of random models agree between cpu and wasm, for any image', async () => {
  await registerTrainingKernels();
  const seen = new Set<string>();
  let compared = 0;
  let telling = 0;
  await fc.assert(
    fc.asyncProperty(cases, async (given) => {
      const onCpu = await outputsAndGradients('cpu', given);
      const onWasm = await outputsAndGradients('wasm', given);
      expect(onWasm).toHaveLength(onCpu.length);
      const logits = Math.max(1, largest(onCpu[0]));
      for (const [k, expected] of onCpu.entries()) {
        // float32's rounding: of the numbers themselves; of what they are sums of, which is pixels for the kernel of the
        // convolution and some 1 for the others, where probabilities and labels all but cancel out; and of denormals.
        const size = largest(expected);
        const terms = k === KERNEL ? LARGEST_PIXEL[given.image] : 1;
        const tolerance = (given.image === 'huge' ? 1e-3 : 1e-5) * size + 1e-6 * logits * terms + 1e-43;
        expect(onWasm[k].every(Number.isFinite)).toBe(true);
        expect(largest(onWasm[k].map((value, i) => value - expected[i]))).toBeLessThanOrEqual(tolerance);
        if (size === 0) continue;
        compared++;
        if (size > 10 * tolerance) telling++;
      }
      seen.add(given.image);
    }),
    { numRuns: runs(150) },
  );
  expect(seen.size).toBe(Object.keys(IMAGES).length);
  // Zeros in place of a tensor, or a tenth too much, would have been seen.
  expect(telling / compared).toBeGreaterThan(0.9);
});

const faces: fc.Arbitrary<{ image: keyof typeof IMAGES; scale: number; batch: number; seed: number }> = fc.record({
  image: fc.constantFrom('noise', 'black', 'constant', 'denormal', 'huge'),
  scale: fc.constantFrom(1e-3, 0.1, 1, 2),
  batch: fc.integer({ min: 1, max: 5 }),
  seed: fc.nat(),
});

test('the network with random weights gives the same probabilities on simd as on cpu, for any image', async () => {
  const simd = await startBackend('simd');
  const model = buildModel({ seed: 1 });
  const predictor = simd.predictor!(model)!;
  const logitsOf = layers.model({ inputs: model.inputs, outputs: model.layers.at(-2)!.output });
  const seen = new Set<string>();
  let largestError = 0;
  await tf.setBackend('cpu');
  await fc.assert(
    fc.asyncProperty(faces, async ({ image, scale, batch, seed }) => {
      const random = randomStream(seed);
      const xs = Float32Array.from({ length: batch * 32 * 32 }, () => IMAGES[image](random));
      const [expected, logits] = tf.tidy(() => {
        // Of the size that keeps what comes out of a layer about as large as what went in, times the scale.
        const weights = model.getWeights().map(({ shape, size }) => {
          const amplitude = scale * (shape.length === 1 ? 0.1 : Math.sqrt((3 * shape.at(-1)!) / size));
          return tf.tensor(
            Float32Array.from({ length: size }, () => amplitude * (2 * random() - 1)),
            shape,
          );
        });
        model.setWeights(weights);
        const input = tf.tensor4d(xs, [batch, 32, 32, 1]);
        const [kernel, bias] = weights.slice(-2) as [tf.Tensor2D, tf.Tensor1D];
        const hidden = logitsOf.predict(input) as tf.Tensor2D;
        return [model.predict(input) as tf.Tensor, tf.add(tf.matMul(hidden, kernel), bias)].map((tensor) =>
          tensor.dataSync<'float32'>().slice(),
        );
      });
      const actual = await predictor.predict(xs, batch);
      expect(actual).toHaveLength(batch * 5);
      for (const [i, probability] of actual.entries()) {
        // As shares of each probability, however small: that is what an error of a logit is.
        const error = Math.abs(Math.log((probability + 1e-30) / (expected[i] + 1e-30))) / Math.max(1, largest(logits));
        largestError = Math.max(largestError, error);
        expect(error).toBeLessThan(1e-5);
      }
      seen.add(`${image} ${scale}`);
    }),
    { numRuns: runs(60) },
  );
  expect(seen.size).toBeGreaterThan(NIGHT ? 15 : 3);
  console.log(`differential: the largest error of a logit is ${largestError.toExponential(1)} of the largest logit`);
  logitsOf.dispose();
});

const pictures = fc.record({
  width: fc.constantFrom(1, 1, 2, 31, 32, 33, 48, 700),
  height: fc.constantFrom(1, 1, 2, 31, 32, 33, 48, 700),
  channels: fc.constantFrom(1, 3, 4) as fc.Arbitrary<1 | 3 | 4>,
  levels: fc.constantFrom('noise', 'constant', 'black', 'white', 'two halves'),
  normalization: fc.constantFrom('unit', 'standardize', 'localContrast') as fc.Arbitrary<Normalization>,
  angle: fc.constantFrom(undefined, 0, 0.3),
  seed: fc.nat(),
});

test('pictures of one pixel, of one colour, narrow and large ones are classified alike on simd, wasm and cpu', async () => {
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(pictures, async ({ width, height, channels, levels, normalization, angle, seed }) => {
      const random = randomStream(seed);
      const level = Math.floor(256 * random());
      const data = Uint8Array.from({ length: width * height * channels }, (_, k) => {
        if (levels === 'noise') return 256 * random();
        if (levels === 'two halves') return k < (width * height * channels) / 2 ? 0 : 255;
        return { constant: level, black: 0, white: 255 }[levels];
      });
      // A picture that shows nothing at all is refused.
      if (channels === 4) data[3] = 255;
      // A long strip that leans reaches further out of its picture than a box may.
      const leaning = angle !== undefined && Math.max(width, height) <= 4 * Math.min(width, height);
      const box = leaning ? { x: 0, y: 0, width, height, angle } : undefined;
      const lists: number[][] = [];
      for (const backend of ['cpu', 'wasm', 'simd']) {
        const classifier = createClassifier({ backend, normalization });
        // Of two faces: the first of them alone is computed with in 8 bits, and compared too.
        const image = { data, width, height, channels };
        const [[alone], pair] = [
          [await classifier.classify(image, { box })],
          await classifier.classify([image, image], { box }),
        ];
        for (const list of [alone, ...pair])
          lists.push(EMOTIONS.map((name) => list.find((p) => p.className === name)!.probability));
        classifier.dispose();
      }
      for (const list of lists) {
        expect(Math.abs(list.reduce((sum, p) => sum + p, 0) - 1)).toBeLessThan(1e-5);
        for (const [i, probability] of list.entries()) expect(Math.abs(probability - lists[0][i])).toBeLessThan(1e-5);
      }
      seen.add(Math.min(width, height) === 1 ? 'narrow' : 'wide').add(levels);
    }),
    { numRuns: runs(40) },
  );
  expect(seen.size).toBeGreaterThan(NIGHT ? 6 : 2);
});

const IMAGES = {
  noise: (random: () => number) => random() * 2 - 1,
  black: () => 0,
  constant: () => 0.7,
  denormal: (random: () => number) => (random() - 0.5) * 1e-39,
  huge: (random: () => number) => (random() - 0.5) * 2e3,
};

/** The largest pixel of each kind of image. */
const LARGEST_PIXEL = { noise: 1, black: 0, constant: 0.7, denormal: 0.5e-39, huge: 1e3 } satisfies Record<
  keyof typeof IMAGES,
  number
>;

/** Where {@link outputsAndGradients} has the kernel of the convolution. */
const KERNEL = 1;

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
