import * as tf from '@tensorflow/tfjs-core';
import {
  input,
  type LayersModel,
  layers,
  model as layersModel,
  type SymbolicTensor,
  sequential,
} from '@tensorflow/tfjs-layers';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { beforeAll, describe, expect, test } from 'vitest';
import { useBackend } from '../../src/classify/use-backend.js';
import { type ToOnnxOptions, toOnnx } from '../../src/onnx/to-onnx.js';
import { fromFiles, toFiles } from '../../src/tfjs/model/artifacts.js';
import { buildModel } from '../../src/tfjs/model/build-model.js';
import { loadPretrained } from '../../src/weights.js';
import { noise, readGolden, setGoldenWeights } from '../golden-network.js';
import { sharedPath } from '../shared.js';

beforeAll(() => useBackend('cpu'));

/** What onnxruntime makes of inputs of shape [n,height,width,channels]. */
async function runOnnx(bytes: Uint8Array, values: Float32Array, shape: number[]): Promise<Float32Array> {
  const session = await InferenceSession.create(bytes, { intraOpNumThreads: 1 });
  expect(session.inputNames).toEqual(['images']);
  expect(session.outputNames).toEqual(['probabilities']);
  const { probabilities } = await session.run({ images: new Tensor('float32', values, shape) });
  return probabilities.data as Float32Array;
}

/** The largest difference between TF.js and onnxruntime on noise. */
async function difference(model: LayersModel, options?: ToOnnxOptions, reference = model): Promise<number> {
  const shape = [3, ...(model.inputs[0].shape.slice(1) as number[])];
  const values = Float32Array.from(
    noise(
      shape.reduce((a, b) => a * b),
      7,
    ),
  );
  const expected = tf.tidy(() => (reference.predict(tf.tensor(values, shape)) as tf.Tensor).dataSync());
  const found = await runOnnx(await toOnnx(model, options), values, shape);
  expect(found).toHaveLength(expected.length);
  return Math.max(...found.map((value, i) => Math.abs(value - expected[i])));
}

/** Random values for every weight, also for biases and moving averages, which start as 0 and 1. */
function withNoise(model: LayersModel): LayersModel {
  model.weights.forEach((weight, i) => {
    const { shape } = weight.read();
    const raw = noise(
      shape.reduce((a, b) => a * b, 1),
      i + 1,
    );
    weight.write(
      tf.tensor(
        Float32Array.from(raw, (value) => value - (weight.name.includes('variance') ? -0.1 : 0.5)),
        shape,
      ),
    );
  });
  return model;
}

const golden = sharedPath('golden/network.json');

describe('toOnnx', () => {
  test.skipIf(golden === null)('gives the golden probabilities in onnxruntime, to 1e-5', async () => {
    const network = readGolden(golden!);
    const model = buildModel({ seed: 1 });
    for (const { seed, batch, probabilities } of network.cases) {
      setGoldenWeights(model, network, seed);
      const xs = Float32Array.from(noise(batch * 1024, 100 + seed));
      const found = await runOnnx(await toOnnx(model), xs, [batch, 32, 32, 1]);
      for (const [i, expected] of probabilities.flat().entries())
        expect(Math.abs(found[i] - expected)).toBeLessThan(1e-5);
    }
  });

  test('gives the same answers of the shipped weights in onnxruntime, to 1e-5', async () => {
    expect(await difference(await loadPretrained())).toBeLessThan(1e-5);
  });

  test('gives the same answers of the colour network', async () => {
    expect(await difference(buildModel({ channels: 3, seed: 2 }))).toBeLessThan(1e-5);
  });

  test.each(['uint8', 'uint16', 'float16'] as const)(
    'in %s computes with exactly the weights that TF.js reads from such a file',
    async (quantize) => {
      const model = buildModel({ seed: 3 });
      const stored = await fromFiles(toFiles(model, { quantize }));
      expect(await difference(model, { quantize }, stored)).toBeLessThan(1e-5);
      const whole = (await toOnnx(model)).length;
      const small = (await toOnnx(model, { quantize })).length;
      expect(whole / small).toBeGreaterThan(quantize === 'uint8' ? 3.9 : 1.9);
    },
  );

  test.each<[string, () => LayersModel]>([
    [
      'strides, padding and dilation of convolutions',
      () =>
        sequential({
          layers: [
            layers.conv2d({
              inputShape: [17, 14, 2],
              filters: 3,
              kernelSize: [3, 5],
              strides: 2,
              padding: 'same',
              activation: 'elu',
            }),
            layers.conv2d({ filters: 4, kernelSize: 2, dilationRate: 2, useBias: false, activation: 'tanh' }),
            layers.flatten(),
            layers.dense({ units: 3, activation: 'softmax' }),
          ],
        }),
    ],
    [
      'depthwise convolutions, batch normalisation, average pooling',
      () =>
        sequential({
          layers: [
            layers.zeroPadding2d({
              inputShape: [9, 8, 2],
              padding: [
                [1, 2],
                [0, 1],
              ],
            }),
            layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, activation: 'relu6' }),
            layers.batchNormalization({ scale: false }),
            layers.averagePooling2d({ poolSize: 3, strides: 2, padding: 'same' }),
            layers.activation({ activation: 'swish' }),
            layers.globalAveragePooling2d({}),
            layers.batchNormalization(),
            layers.dense({ units: 4, activation: 'sigmoid' }),
            layers.dense({ units: 3 }),
            layers.softmax(),
          ],
        }),
    ],
    [
      'dense layers over channels, reshape, leaky and plain rectifiers',
      () =>
        sequential({
          layers: [
            layers.maxPooling2d({ inputShape: [8, 8, 3], poolSize: 2 }),
            layers.dense({ units: 5, activation: 'softplus' }),
            layers.leakyReLU({ alpha: 0.2 }),
            layers.reLU({ maxValue: 2 }),
            layers.reshape({ targetShape: [4, 20] }),
            layers.gaussianNoise({ stddev: 1 }),
            layers.flatten(),
            layers.elu(),
            layers.dense({ units: 3, activation: 'selu' }),
          ],
        }),
    ],
    [
      'a chain in the functional form, global maximum, softsign, hard sigmoid',
      () => {
        const start = input({ shape: [8, 8, 1] });
        let last = layers.conv2d({ filters: 4, kernelSize: 3, activation: 'softsign' }).apply(start);
        last = layers.globalMaxPooling2d({}).apply(last);
        last = layers.dense({ units: 3, activation: 'hardSigmoid' }).apply(last) as SymbolicTensor;
        return layersModel({ inputs: start, outputs: last as never });
      },
    ],
  ])('%s', async (_, build) => {
    expect(await difference(withNoise(build()))).toBeLessThan(1e-5);
  });

  test('writes the classes and the normalisation of the model', async () => {
    const bytes = Buffer.from(await toOnnx(await loadPretrained()));
    for (const word of ['["angry","happy","sad","neutral","surprised"]', 'localContrast']) {
      expect(bytes.includes(word)).toBe(true);
    }
  });

  test('refuses layers, activations, branches and quantizations that it cannot write, by name', async () => {
    const dense = (activation: 'tanh' | 'gelu') =>
      sequential({
        layers: [
          layers.flatten({ inputShape: [4, 4, 1] }),
          layers.dense({ name: 'last', units: 3, activation: activation as 'tanh' }),
        ],
      });
    await expect(toOnnx(dense('gelu'))).rejects.toMatchObject({
      code: 'MODEL',
      message: expect.stringContaining('last'),
    });
    const upsampled = sequential({
      layers: [
        layers.upSampling2d({ inputShape: [4, 4, 1], size: [2, 2] }),
        layers.flatten(),
        layers.dense({ units: 3 }),
      ],
    });
    await expect(toOnnx(upsampled)).rejects.toMatchObject({
      code: 'MODEL',
      message: expect.stringContaining('UpSampling2D'),
    });
    const start = input({ shape: [4, 4, 1] });
    const left = layers.flatten().apply(start) as SymbolicTensor;
    const right = layers.flatten().apply(start) as SymbolicTensor;
    const branched = layersModel({ inputs: start, outputs: layers.add().apply([left, right] as never) as never });
    await expect(toOnnx(branched)).rejects.toMatchObject({ code: 'MODEL' });
    await expect(toOnnx(dense('tanh'), { quantize: 'int4' as 'uint8' })).rejects.toMatchObject({ code: 'OPTION' });
  });
});
