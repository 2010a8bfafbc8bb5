import * as tf from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { describe, expect, test } from 'vitest';
import { startBackend } from '../../../src/classify/use-backend.js';
import { buildModel, createClassifier, train, useBackend } from '../../../src/index.js';
import { currentBackend, runOn } from '../../../src/tfjs/backends/current-backend.js';
import { bundled } from '../../bundled.js';
import { runNode } from '../../package/run-node.js';

const inputs = (n: number, channels = 1) => tf.randomUniform([n, 32, 32, channels], -2, 2, 'float32', 7);

async function expectSame(model: ReturnType<typeof buildModel>) {
  const [simd, cpu] = [await startBackend('simd'), await startBackend('cpu')];
  const predictor = simd.predictor!(model)!;
  const xs = inputs(3);
  const expected = runOn(cpu, () => (model.predict(xs) as tf.Tensor).dataSync());
  const actual = await predictor.predict(xs.dataSync<'float32'>(), 3);
  for (const [i, value] of actual.entries()) expect(Math.abs(value - expected[i])).toBeLessThan(1e-5);
  return predictor;
}

describe('the simd backend', () => {
  test('runs the network with any dropout and frozen layers', async () => {
    await expectSame(buildModel({ seed: 1 }));
    const other = buildModel({ seed: 2, dropout: 0.5 });
    other.layers[0].trainable = false;
    await expectSame(other);
  });

  test('leaves every other model to TF.js', async () => {
    const { predictor } = await startBackend('simd');
    const altered = (change: object, conv: object = {}) =>
      sequential({
        layers: [
          layers.conv2d({
            inputShape: [32, 32, 1],
            filters: 32,
            kernelSize: 3,
            padding: 'same',
            activation: 'relu',
            ...conv,
          }),
          layers.maxPooling2d({ poolSize: 2 }),
          layers.conv2d({ filters: 32, kernelSize: 3, padding: 'same', activation: 'relu' }),
          layers.maxPooling2d({ poolSize: 2 }),
          layers.flatten(),
          layers.dense({ units: 256, activation: 'relu', ...change }),
          layers.dense({ units: 5, activation: 'softmax' }),
        ],
      });
    expect(predictor!(altered({}))).toBeDefined();
    for (const change of [{ units: 128 }, { activation: 'elu' }, { useBias: false }]) {
      expect(predictor!(altered(change as { units: number }))).toBeUndefined();
    }
    for (const change of [
      { dilationRate: 2 },
      { activation: 'tanh' },
      { useBias: false },
      { inputShape: [32, 32, 3] },
    ]) {
      expect(predictor!(altered({}, change))).toBeUndefined();
    }
    expect(predictor!(buildModel({ channels: 3 }))).toBeUndefined();
  });

  test('still classifies with a model that TF.js runs', async () => {
    const model = buildModel({ seed: 1, channels: 3 });
    const face = { data: new Uint8Array(32 * 32 * 3).fill(90), width: 32, height: 32, channels: 3 as const };
    const on = (backend: string) => createClassifier({ model, backend }).classify(face);
    const [simd, wasm] = [await on('simd'), await on('wasm')];
    expect(simd).toEqual(wasm);
  });

  test('follows weights that change, by training or by hand', async () => {
    await useBackend('simd');
    const model = buildModel({ seed: 3 });
    await expectSame(model);
    const predictor = await expectSame(model);
    const xs = inputs(8);
    const before = await predictor.predict(xs.dataSync<'float32'>(), 8);
    await train(
      model,
      { xs, ys: tf.tensor1d([0, 1, 2, 3, 4, 0, 1, 2], 'int32') },
      { epochs: 1, seed: 1, learningRate: 0.01 },
    );
    const after = await predictor.predict(xs.dataSync<'float32'>(), 8);
    expect(after).not.toEqual(before);
    const wasm = await startBackend('wasm');
    const expected = runOn(wasm, () => (model.predict(xs) as tf.Tensor).dataSync());
    for (const [i, value] of after.entries()) expect(Math.abs(value - expected[i])).toBeLessThan(1e-5);
  });

  test('computes tensors on wasm', async () => {
    await useBackend('simd');
    expect((await currentBackend()).name).toBe('simd');
    expect(tf.getBackend()).toBe('wasm');
  });

  test('reports DISPOSED when its model or the backend is disposed', async () => {
    const { predictor } = await startBackend('simd');
    const [model, other] = [buildModel(), buildModel()];
    const [first, second] = [predictor!(model)!, predictor!(other)!];
    model.dispose();
    second.dispose();
    await expect(first.predict(new Float32Array(1024), 1)).rejects.toMatchObject({ code: 'DISPOSED' });
    await expect(second.predict(new Float32Array(1024), 1)).rejects.toMatchObject({ code: 'DISPOSED' });
  });
});

describe('without a choice of a backend', () => {
  const face = `const face = { data: new Uint8Array(1024).map((_, i) => i), width: 32, height: 32, channels: 1 };`;
  const program = (body: string) => [bundled(`${face} ${body}`)];

  test('classify does not start TF.js; train and preprocess run on wasm, and classify does not change', async () => {
    const { stdout, stderr } = await runNode(
      program(`
        import * as tf from '@tensorflow/tfjs-core';
        import { classify, preprocess, useBackend } from './src/index.ts';
        const list = await classify(face);
        const { backendName, registry } = tf.engine();
        const before = [backendName ?? 'none', Object.keys(registry).join()];
        (await preprocess(face)).dispose();
        await classify(face);
        const between = tf.getBackend();
        await useBackend('cpu');
        const onCpu = await classify(face);
        console.log(JSON.stringify({ before, between, list, onCpu }));`),
      '.',
    );
    expect(stderr).toBe('');
    const { before, between, list, onCpu } = JSON.parse(stdout);
    expect(before).toEqual(['none', '']);
    expect(between).toBe('wasm');
    expect(onCpu.map((p: { className: string }) => p.className)).toEqual(
      list.map((p: { className: string }) => p.className),
    );
  });

  test('if the network does not start, classify continues with TF.js, with one warning', async () => {
    const { stdout, stderr } = await runNode(
      program(`
        import * as tf from '@tensorflow/tfjs-core';
        import { classify, createClassifier } from './src/index.ts';
        // The network's module is the only small one; Node compiles some of its own.
        const { compile } = WebAssembly;
        WebAssembly.compile = async (bytes) => {
          if (bytes.length < 8000) throw new Error('not here');
          return compile(bytes);
        };
        await classify(face);
        await createClassifier().classify(face);
        console.log(JSON.stringify(tf.getBackend()));`),
      '.',
    );
    expect(JSON.parse(stdout)).toBe('wasm');
    expect(stderr.match(/fer-dcnn: backend 'simd' cannot be used, falling back to 'wasm'.*not here/g)).toHaveLength(1);
  });
});
