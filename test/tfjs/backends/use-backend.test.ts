import { spawnSync } from 'node:child_process';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test, vi } from 'vitest';
import { simdBackend } from '../../../src/classify/simd-backend.js';
import { startBackend } from '../../../src/classify/use-backend.js';
import { buildModel, classify, registerBackend, useBackend } from '../../../src/index.js';
import { runOn } from '../../../src/tfjs/backends/current-backend.js';
import { bundled } from '../../bundled.js';

describe('useBackend', () => {
  test.each(['cpu', 'wasm', 'cpu'])('puts TF.js on %s', async (name) => {
    await useBackend(name);
    expect(tf.getBackend()).toBe(name);
    expect((await tf.add([1, 2], [3, 4]).data())[1]).toBe(6);
  });

  test('refuses a name that it does not know, and lists those that it does', async () => {
    await expect(useBackend('wasmm')).rejects.toMatchObject({
      name: 'FerError',
      code: 'BACKEND_UNKNOWN',
      message: expect.stringMatching(/'wasmm'.*wasm, cpu, webgl, webgpu, tensorflow/),
    });
  });

  test('names the package that a backend lacks, and keeps the current backend', async () => {
    await useBackend('cpu');
    await expect(useBackend('tensorflow')).rejects.toMatchObject({
      code: 'PACKAGE_MISSING',
      message: expect.stringContaining('npm install @tensorflow/tfjs-node'),
    });
    expect(tf.getBackend()).toBe('cpu');
  });

  test('reports a backend that cannot start as unavailable', async () => {
    // WebGL needs a canvas, which Node has none of.
    await expect(useBackend('webgl')).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
  });

  test('simd answers in plain JavaScript where WebAssembly is missing', async () => {
    vi.stubGlobal('WebAssembly', undefined);
    try {
      const backend = simdBackend({});
      await backend.start();
      const network = await backend.pretrained!();
      const face = await network.predict(new Float32Array(1024), 1);
      expect(face.reduce((sum, probability) => sum + probability, 0)).toBeCloseTo(1, 5);
    } finally {
      vi.unstubAllGlobals();
    }
  });

  test('starts a backend of the user’s own, once', async () => {
    const start = vi.fn(async () => {});
    registerBackend('mine', () => ({ name: 'mine', tfjsName: 'cpu', start }));
    await Promise.all([useBackend('mine'), useBackend('mine')]);
    await useBackend('wasm');
    await useBackend('mine');
    expect(start).toHaveBeenCalledTimes(1);
    expect(tf.getBackend()).toBe('cpu');
    expect(() => registerBackend('mine', () => ({ name: 'mine', start }))).toThrow(
      expect.objectContaining({ code: 'OPTION' }),
    );
  });

  test('classify() uses it from the next call on; calls in progress end on their backend', async () => {
    const asked: string[] = [];
    const made = (name: string, probability: number) =>
      registerBackend(name, () => ({
        name,
        tfjsName: 'cpu',
        start: async () => {},
        pretrained: async () => ({
          predict: async () => {
            asked.push(name);
            await new Promise((resolve) => setTimeout(resolve, 5));
            return Float32Array.of(probability, 1 - probability, 0, 0, 0);
          },
          dispose() {},
        }),
      }));
    made('angry-one', 1);
    made('happy-one', 0);
    const face = { data: new Uint8Array(4), width: 2, height: 2, channels: 1 as const };
    await useBackend('angry-one');
    const underWay = classify(face);
    await useBackend('happy-one');
    expect((await classify(face))[0].className).toBe('happy');
    expect((await underWay)[0].className).toBe('angry');
    await useBackend('angry-one');
    expect((await classify(face))[0].className).toBe('angry');
    expect(asked).toHaveLength(3);
  });

  test('tries again after a failure', async () => {
    let tries = 0;
    registerBackend('late', () => ({
      name: 'late',
      tfjsName: 'cpu',
      start: async () => {
        if (++tries === 1) throw new Error('not yet');
      },
    }));
    await expect(useBackend('late')).rejects.toThrow('not yet');
    await useBackend('late');
    expect(tries).toBe(2);
  });
});

describe('runOn', () => {
  test('computes on the backend asked for and leaves TF.js on its own', async () => {
    await useBackend('cpu');
    const wasm = await startBackend('wasm');
    expect(tf.getBackend()).toBe('cpu');
    const result = runOn(wasm, () => {
      expect(tf.getBackend()).toBe('wasm');
      return tf.add([1], [2]);
    });
    expect(tf.getBackend()).toBe('cpu');
    expect((await result.data())[0]).toBe(3);
    expect(() =>
      runOn(wasm, () => {
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect(tf.getBackend()).toBe('cpu');
  });

  test('a model goes from backend to backend with its weights', async () => {
    const [cpu, wasm] = [await startBackend('cpu'), await startBackend('wasm')];
    const model = buildModel({ seed: 1 });
    const face = tf.randomUniform([1, 32, 32, 1], 0, 1, 'float32', 3);
    const answers = [cpu, wasm, cpu].map((backend) =>
      runOn(backend, () => Array.from((model.predict(face) as tf.Tensor).dataSync())),
    );
    expect(answers[2]).toEqual(answers[0]);
    for (const [i, value] of answers[1].entries()) expect(value).toBeCloseTo(answers[0][i], 5);
  });
});

describe('without a choice', () => {
  /** Runs code in a process of its own, where nothing has been chosen yet. */
  function fresh(code: string) {
    const run = spawnSync(process.execPath, [bundled(code)], { encoding: 'utf8' });
    return { out: run.stdout.trim(), warnings: run.stderr };
  }

  test('wasm is taken', () => {
    const { out } = fresh(`
      import * as tf from '@tensorflow/tfjs-core';
      import { currentBackend } from './src/tfjs/backends/current-backend.ts';
      console.log((await currentBackend()).name, tf.getBackend());`);
    expect(out).toBe('wasm wasm');
  });

  test('importing the library starts nothing and lets TF.js be used at once', () => {
    const { out } = fresh(`
      import * as tf from '@tensorflow/tfjs-core';
      import { buildModel } from './src/index.ts';
      console.log(tf.engine().backendName, buildModel().countParams(), tf.getBackend());`);
    expect(out).toBe('undefined 535397 cpu');
  });

  test('cpu is taken where wasm does not start, with one warning', () => {
    const { out, warnings } = fresh(`
      WebAssembly.validate = () => false;
      const { currentBackend } = await import('./src/tfjs/backends/current-backend.ts');
      const names = await Promise.all([currentBackend(), currentBackend()]);
      console.log(names.map(({ name }) => name).join(), (await currentBackend()).name);`);
    expect(out).toBe('cpu,cpu cpu');
    expect(warnings.match(/fer-dcnn: backend 'wasm' cannot be used/g)).toHaveLength(1);
  });

  test('a missing wasm binary is named, and a later call with the right address works', () => {
    const { out } = fresh(`
      import { useBackend } from './src/index.ts';
      for (const assets of ['./nowhere/', './package.json?', './dist/wasm/']) {
        await useBackend('wasm', { assets }).then(() => console.log('ready'), ({ code, message }) => console.log(code, message));
      }`);
    const [missing, notWasm, ready] = out.split('\n');
    expect(missing).toMatch(/^WASM_UNREACHABLE .*nowhere\/tfjs-backend-wasm-simd\.wasm/);
    expect(notWasm).toMatch(/^WASM_UNREACHABLE/);
    expect(ready).toBe('ready');
  });
});
