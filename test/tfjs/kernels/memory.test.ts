import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { registerTrainingKernels } from '../../../src/kernels.js';
import { adamStep } from '../../../src/tfjs/kernels/adam.js';
import { dropout } from '../../../src/tfjs/kernels/dropout.js';
import { nativeOn, useNative, type WasmBackend, whyNotNative } from '../../../src/tfjs/kernels/native.js';
import { runs } from '../../night.js';
import { noise, PATHS, startOn } from './paths.js';

const STEPS = runs(500);

describe.each(PATHS)('memory on the %s path', (path) => {
  beforeAll(() => startOn(path));

  test(`is flat over ${STEPS} training steps`, () => {
    const net = smallNet();
    for (let i = 0; i < 5; i++) net.step();
    const before = { ...tf.memory(), heap: heapBytes() };
    for (let i = 0; i < STEPS; i++) net.step();
    const after = { ...tf.memory(), heap: heapBytes() };
    expect(after.numTensors).toBe(before.numTensors);
    expect(after.numBytes).toBe(before.numBytes);
    expect(after.heap).toBe(before.heap);
    net.dispose();
  });

  test('can grow between steps', () => {
    const twin = smallNet();
    for (let i = 0; i < 6; i++) twin.step();
    const expected = twin.weights();
    twin.dispose();

    const net = smallNet();
    for (let i = 0; i < 3; i++) net.step();
    const before = heapBytes();
    const large = [];
    while (heapBytes() === before) large.push(tf.zeros([4 << 20]));
    for (let i = 0; i < 3; i++) net.step();
    tf.dispose(large);
    expect(net.weights()).toEqual(expected);
    net.dispose();
  });
});

describe('registering', () => {
  test('again changes nothing', async () => {
    await startOn('simd');
    const kernel = tf.getKernel('Conv2D', 'wasm');
    const first = await registerTrainingKernels();
    expect(await registerTrainingKernels()).toEqual(first);
    expect(tf.getKernel('Conv2D', 'wasm')).toBe(kernel);
  });

  test('reports why it falls back when the memory cannot be reached', async () => {
    await startOn('simd');
    const backend = tf.backend() as unknown as WasmBackend;
    const { asm } = backend.wasm;
    try {
      const hidden = Object.create(backend) as WasmBackend;
      hidden.wasm = { ...backend.wasm, asm: undefined };
      tf.engine().registry.wasm = hidden as unknown as tf.KernelBackend;
      const { path, reason } = await registerTrainingKernels();
      expect(path).toBe('composed');
      expect(reason).toContain('memory');
    } finally {
      backend.wasm.asm = asm;
      tf.engine().registry.wasm = backend as unknown as tf.KernelBackend;
    }
  });
});

describe('the memory of a threaded backend', () => {
  test.each(PATHS.filter((path) => path !== 'composed'))(
    'is taken by a build of its own on the %s path',
    async (path) => {
      // TF.js starts its threaded build in browsers only: here, its memory stands in for it.
      const memory = new WebAssembly.Memory({ initial: 256, maximum: 65536, shared: true });
      const backend = { wasm: { wasmMemory: memory, asm: {} } };
      expect(await useNative(backend, path)).toBe(path);
      const native = nativeOn(backend);
      const values = new Float32Array(memory.buffer);
      values.set([1, 2, 3, 4, 5, 10, 20, 30, 40, 50]);
      native?.addBias(0, 20, 40, 1, 5);
      expect([...values.subarray(10, 15)]).toEqual([11, 22, 33, 44, 55]);
      memory.grow(1);
      native?.addBias(0, 20, 256 << 16, 1, 5);
      expect([...new Float32Array(memory.buffer, 256 << 16, 5)]).toEqual([11, 22, 33, 44, 55]);
      await useNative(undefined);
      expect(nativeOn(backend)).toBeNull();
      expect(whyNotNative(backend)).toContain('register again');
    },
  );
});

function heapBytes(): number {
  return ((tf.backend() as unknown as WasmBackend).wasm.asm!.memory as WebAssembly.Memory).buffer.byteLength;
}

/** A net with one of everything, trained with our Adam where it runs. */
function smallNet() {
  const shapes = [[3, 3, 2, 8], [8], [3, 3, 8, 8], [8], [3, 3, 8, 1], [32, 3], [3]];
  const variables = shapes.map((shape, i) => tf.tidy(() => tf.variable(tf.mul(noise(shape, i), 0.3))));
  const [means, squares] = [0, 1].map(() => variables.map((variable) => tf.zerosLike(variable)));
  const xs = noise([4, 8, 8, 2], 20) as tf.Tensor4D;
  const ys = tf.tidy(() => tf.oneHot(tf.tensor1d([0, 1, 2, 0], 'int32'), 3));
  let count = 0;
  const step = () =>
    tf.tidy(() => {
      count++;
      const [k1, b1, k2, b2, depthwise, w, c] = variables;
      const loss = () => {
        const a = tf.relu(tf.add(tf.conv2d(xs, k1 as tf.Tensor4D, 1, 'same'), b1)) as tf.Tensor4D;
        const pooled = dropout(tf.maxPool(a, 2, 2, 'same'), 0.2, count);
        const b = tf.relu(tf.add(tf.conv2d(pooled, k2 as tf.Tensor4D, 1, 'same'), b2)) as tf.Tensor4D;
        const strided = tf.depthwiseConv2d(b, depthwise as tf.Tensor4D, 2, 'same');
        const logits = tf.add(tf.matMul(tf.reshape(strided, [4, 32]), w as tf.Tensor2D), c);
        return tf.losses.softmaxCrossEntropy(ys, logits) as tf.Scalar;
      };
      const { grads } = tf.variableGrads(loss, variables);
      variables.forEach((variable, i) => {
        const options = { learningRate: 1e-3, step: count };
        if (adamStep(variable, grads[variable.name], means[i], squares[i], options)) return;
        variable.assign(tf.sub(variable, tf.mul(grads[variable.name], 1e-3)));
      });
    });
  return {
    step,
    weights: () => variables.map((variable) => [...variable.dataSync()]),
    dispose: () => tf.dispose([variables, means, squares, xs, ys]),
  };
}
