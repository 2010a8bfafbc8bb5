import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { FerError } from '../../../src/errors.js';
import { adamStep } from '../../../src/tfjs/kernels/adam.js';
import { overriddenKernels } from '../../../src/tfjs/kernels/override.js';
import fc from '../../fast-check.js';
import { runs } from '../../night.js';
import { noise, PATHS, startOn } from './paths.js';

describe.each(PATHS)('operands of the wrong shape on the %s path', (path) => {
  beforeAll(() => startOn(path));

  test('are tried with every kernel of this package', () => {
    expect(Object.keys(CALLS).toSorted()).toEqual(overriddenKernels().toSorted());
  });

  test.each(Object.entries(CALLS))('%s computes nothing from memory that is not theirs', (name, call) => {
    const { inputs, attrs, dtypes } = call;
    fc.assert(
      fc.property(spoilt(inputs), ({ shapes, dtype }) => {
        tf.tidy(() => {
          poisonMemory();
          const given = Object.entries(shapes).map(([key, shape], i) => [
            key,
            tf.cast(noise(shape, i + 1), dtypes?.[key] ?? dtype),
          ]);
          const outputs = resultOf(name, Object.fromEntries(given), attrs);
          if (outputs instanceof Error) {
            expect(outputs).not.toBeInstanceOf(WebAssembly.RuntimeError);
            return;
          }
          for (const output of outputs.flatMap(partsOf)) {
            if (output.dtype !== 'float32' && output.dtype !== 'int32') continue;
            // The largest of no values is minus infinity.
            const values = [...output.dataSync()].filter((value) => value !== Number.NEGATIVE_INFINITY);
            for (const value of values) expect(Math.abs(value)).not.toBeGreaterThan(1e6);
          }
        });
        // The backend is as good as before.
        const product = tf.tidy(() => tf.matMul(tf.ones([2, 2]), tf.ones([2, 2])).dataSync());
        expect([...product]).toEqual([2, 2, 2, 2]);
      }),
      { numRuns: runs(name in MOVERS ? 30 : 120) },
    );
  });

  test('are refused where an inner size, the number of channels or the size of a gradient differs', () => {
    tf.tidy(() => {
      const refused = (name: string, given: Record<string, tf.Tensor>, attrs: object) => {
        const error = resultOf(name, given, attrs);
        expect(error).toBeInstanceOf(FerError);
        expect(error).toMatchObject({ code: 'SHAPE', message: expect.stringContaining(name) });
      };
      refused('BatchMatMul', { a: tf.ones([64, 300]), b: tf.ones([200, 5]) }, {});
      refused('BatchMatMul', { a: tf.ones([3, 2]), b: tf.ones([2, 4]) }, { transposeA: true });
      refused('BatchMatMul', { a: tf.ones([2, 3]), b: tf.ones([2, 4]) }, { transposeB: true });
      const x = tf.ones([1, 5, 5, 2]);
      refused('Conv2D', { x, filter: tf.ones([3, 3, 3, 4]) }, CONVOLUTION);
      refused('Conv2DBackpropFilter', { x, dy: tf.ones([1, 4, 5, 4]) }, { ...CONVOLUTION, filterShape: [3, 3, 2, 4] });
      refused(
        'Conv2DBackpropInput',
        { dy: tf.ones([1, 4, 5, 4]), filter: tf.ones([3, 3, 2, 4]) },
        { ...CONVOLUTION, inputShape: [1, 5, 5, 2] },
      );
      refused('MaxPoolGrad', { dy: tf.ones([1, 3, 3, 2]), input: x, output: tf.ones([1, 3, 3, 2]) }, POOL);
      refused('UnsortedSegmentSum', { x: tf.ones([4, 2]), segmentIds: tf.zeros([5], 'int32') }, { numSegments: 3 });
      refused('FerReluGradient', { x: tf.ones([4]), dy: tf.ones([3]) }, {});
    });
  });

  test.each(Object.keys(OPTIMIZERS))('%s makes no step with values that are not theirs', async (name) => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('gradient', 'means'), spoilt({ x: [4, 5] }), async (which, { shapes }) => {
        const variable = tf.variable(tf.ones([4, 5]));
        const optimizer = OPTIMIZERS[name]();
        try {
          const step = (shape: number[]) =>
            tf.tidy(() => {
              poisonMemory();
              optimizer.applyGradients({ [variable.name]: noise(shape, 1) });
            });
          step([4, 5]);
          if (which === 'means') await replaceMeans(optimizer, shapes.x);
          try {
            step(which === 'means' ? [4, 5] : shapes.x);
          } catch (error) {
            expect(error).not.toBeInstanceOf(WebAssembly.RuntimeError);
          }
          for (const value of variable.dataSync()) expect(Math.abs(value)).not.toBeGreaterThan(1e6);
        } finally {
          optimizer.dispose();
          variable.dispose();
        }
      }),
      { numRuns: runs(20) },
    );
  });

  test('include all optimizers of TF.js', () => {
    const isOptimizer = (value: unknown) =>
      typeof value === 'function' && typeof value.prototype?.applyGradients === 'function';
    const all = Object.entries(tf).filter(([, value]) => isOptimizer(value));
    expect(Object.keys(OPTIMIZERS).toSorted()).toEqual(all.map(([name]) => name).toSorted());
  });

  test('a step of adamStep with a gradient or a mean of another shape is refused', () => {
    tf.tidy(() => {
      const variable = tf.variable(tf.ones([4, 5]), true);
      for (const spoiled of [0, 1, 2]) {
        const [gradient, m, v] = [0, 1, 2].map((i) => tf.zeros(i === spoiled ? [4, 3] : [4, 5]));
        expect(() => adamStep(variable, gradient, m, v, { learningRate: 1, step: 1 })).toThrow(
          expect.objectContaining({ code: 'SHAPE' }),
        );
      }
      expect([...variable.dataSync()]).toEqual(new Array(20).fill(1));
      variable.dispose();
    });
  });

  test('a convolution with an empty result gives an empty tensor, and later ones work', () => {
    tf.tidy(() => {
      const filter = tf.ones([3, 3, 1, 1]) as tf.Tensor4D;
      expect(tf.conv2d(tf.ones<tf.Rank.R4>([0, 5, 5, 1]), filter, 1, 'same').shape).toEqual([0, 5, 5, 1]);
      expect(tf.conv2d(tf.ones<tf.Rank.R4>([1, 2, 2, 1]), filter, 1, 'valid').shape).toEqual([1, 0, 0, 1]);
      expect([...tf.conv2d(tf.ones<tf.Rank.R4>([1, 3, 3, 1]), filter, 1, 'valid').dataSync()]).toEqual([9]);
    });
  });

  test('a WebAssembly trap in TF.js becomes an error with a code, and later ops work', () => {
    tf.tidy(() => {
      const error = resultOf('Softmax', { logits: tf.tensor(['a', 'b']) }, { dim: 0 });
      expect(error).toBeInstanceOf(Error);
      expect(error).not.toBeInstanceOf(WebAssembly.RuntimeError);
      expect([...tf.softmax(tf.tensor1d([1, 1])).dataSync()]).toEqual([0.5, 0.5]);
    });
  });
});

interface Call {
  inputs: Record<string, number[]>;
  attrs?: object;
  /** Types of tensors that cannot be numbers of any type. */
  dtypes?: Record<string, tf.DataType>;
}

const CONVOLUTION = { strides: 1, pad: 'same', dataFormat: 'NHWC', dilations: 1 };
const POOL = { filterSize: 2, strides: 2, pad: 'valid' };
const VOLUME = { strides: 1, pad: 'valid', dilations: 1 };
const DILATION = { strides: [1, 1], pad: 'same', dilations: [1, 1] };

/** Kernels that move values, or do the same to each. Most are TF.js's own, except those for complex numbers and strings. */
const MOVERS: Record<string, Call> = {
  Identity: { inputs: { x: [4, 3] } },
  Neg: { inputs: { x: [4, 3] } },
  Cast: { inputs: { x: [4, 3] }, attrs: { dtype: 'float32' } },
  OnesLike: { inputs: { x: [4, 3] } },
  ZerosLike: { inputs: { x: [4, 3] } },
  Bincount: { inputs: { x: [7], weights: [7] }, attrs: { size: 4 }, dtypes: { x: 'int32', weights: 'float32' } },
  StridedSlice: {
    inputs: { x: [5, 4] },
    attrs: {
      ...{ begin: [1, 0], end: [5, 4], strides: [2, 1] },
      ...{ beginMask: 0, endMask: 0, ellipsisMask: 0, newAxisMask: 0, shrinkAxisMask: 0 },
    },
  },
  SplitV: { inputs: { x: [6, 4] }, attrs: { numOrSizeSplits: [2, 4], axis: 0 } },
  Concat: { inputs: { 0: [2, 4], 1: [3, 4] }, attrs: { axis: 0 } },
  Pack: { inputs: { 0: [2, 4], 1: [2, 4] }, attrs: { axis: 0 } },
  Unpack: { inputs: { value: [3, 4] }, attrs: { axis: 0 } },
  Transpose: { inputs: { x: [3, 4, 2] }, attrs: { perm: [2, 0, 1] } },
  Reverse: { inputs: { x: [3, 4] }, attrs: { dims: [1] } },
  PadV2: {
    inputs: { x: [3, 4] },
    attrs: {
      paddings: [
        [1, 1],
        [0, 2],
      ],
      constantValue: 0,
    },
  },
  Tile: { inputs: { x: [3, 4] }, attrs: { reps: [2, 1] } },
  Fill: { inputs: {}, attrs: { shape: [3, 4], value: 1, dtype: 'float32' } },
  SparseToDense: {
    inputs: { sparseIndices: [3, 2], sparseValues: [3], defaultValue: [] },
    attrs: { outputShape: [4, 4] },
    dtypes: { sparseIndices: 'int32' },
  },
  GatherV2: {
    inputs: { x: [2, 4], indices: [3] },
    attrs: { axis: 0, batchDims: 0 },
    dtypes: { indices: 'int32' },
  },
  ...Object.fromEntries(
    ['Equal', 'NotEqual', 'Less', 'LessEqual', 'Greater', 'GreaterEqual'].map((name) => [
      name,
      { inputs: { a: [3, 5], b: [5] } },
    ]),
  ),
};

/** A call of every kernel that is ours; these shapes fit. */
const CALLS: Record<string, Call> = {
  ...MOVERS,
  BatchMatMul: { inputs: { a: [2, 33, 5], b: [2, 5, 7] }, attrs: { transposeA: false, transposeB: false } },
  _FusedMatMul: {
    inputs: { a: [1, 33, 5], b: [1, 5, 7], bias: [7] },
    attrs: { transposeA: false, transposeB: false, activation: 'linear' },
  },
  Conv2D: { inputs: { x: [2, 6, 5, 3], filter: [3, 3, 3, 4] }, attrs: CONVOLUTION },
  FusedConv2D: {
    inputs: { x: [2, 6, 5, 3], filter: [3, 3, 3, 4], bias: [4] },
    attrs: { ...CONVOLUTION, activation: 'relu' },
  },
  Conv2DBackpropFilter: {
    inputs: { x: [2, 6, 5, 3], dy: [2, 6, 5, 4] },
    attrs: { ...CONVOLUTION, filterShape: [3, 3, 3, 4] },
  },
  Conv2DBackpropInput: {
    inputs: { dy: [2, 6, 5, 4], filter: [3, 3, 3, 4] },
    attrs: { ...CONVOLUTION, inputShape: [2, 6, 5, 3] },
  },
  DepthwiseConv2dNative: { inputs: { x: [2, 6, 5, 8], filter: [3, 3, 8, 1] }, attrs: CONVOLUTION },
  FusedDepthwiseConv2D: {
    inputs: { x: [2, 6, 5, 8], filter: [3, 3, 8, 1], bias: [8] },
    attrs: { ...CONVOLUTION, activation: 'relu6' },
  },
  DepthwiseConv2dNativeBackpropFilter: {
    inputs: { x: [2, 6, 5, 8], dy: [2, 6, 5, 8] },
    attrs: { ...CONVOLUTION, filterShape: [3, 3, 8, 1] },
  },
  DepthwiseConv2dNativeBackpropInput: {
    inputs: { dy: [2, 6, 5, 8], filter: [3, 3, 8, 1] },
    attrs: { ...CONVOLUTION, inputShape: [2, 6, 5, 8] },
  },
  MaxPool: { inputs: { x: [2, 6, 4, 5] }, attrs: POOL },
  MaxPoolGrad: { inputs: { dy: [2, 3, 2, 5], input: [2, 6, 4, 5], output: [2, 3, 2, 5] }, attrs: POOL },
  AvgPool: { inputs: { x: [2, 6, 4, 5] }, attrs: POOL },
  AvgPoolGrad: { inputs: { dy: [2, 3, 2, 5], input: [2, 6, 4, 5] }, attrs: POOL },
  Conv3D: { inputs: { x: [1, 3, 4, 4, 2], filter: [2, 2, 2, 2, 3] }, attrs: VOLUME },
  Conv3DBackpropFilterV2: {
    inputs: { x: [1, 3, 4, 4, 2], dy: [1, 2, 3, 3, 3] },
    attrs: { ...VOLUME, filterShape: [2, 2, 2, 2, 3] },
  },
  Conv3DBackpropInputV2: {
    inputs: { dy: [1, 2, 3, 3, 3], filter: [2, 2, 2, 2, 3] },
    attrs: { ...VOLUME, inputShape: [1, 3, 4, 4, 2] },
  },
  MaxPool3D: { inputs: { x: [1, 4, 4, 4, 2] }, attrs: POOL },
  MaxPool3DGrad: { inputs: { dy: [1, 2, 2, 2, 2], input: [1, 4, 4, 4, 2], output: [1, 2, 2, 2, 2] }, attrs: POOL },
  AvgPool3D: { inputs: { x: [1, 4, 4, 4, 2] }, attrs: POOL },
  AvgPool3DGrad: { inputs: { dy: [1, 2, 2, 2, 2], input: [1, 4, 4, 4, 2] }, attrs: POOL },
  Dilation2D: { inputs: { x: [1, 4, 4, 3], filter: [2, 2, 3] }, attrs: DILATION },
  Dilation2DBackpropInput: { inputs: { x: [1, 4, 4, 3], filter: [2, 2, 3], dy: [1, 4, 4, 3] }, attrs: DILATION },
  Dilation2DBackpropFilter: { inputs: { x: [1, 4, 4, 3], filter: [2, 2, 3], dy: [1, 4, 4, 3] }, attrs: DILATION },
  UnsortedSegmentSum: { inputs: { x: [5, 3], segmentIds: [5] }, attrs: { numSegments: 4 } },
  Einsum: { inputs: { 0: [3, 4], 1: [4, 5] }, attrs: { equation: 'ij,jk->ik' } },
  Add: { inputs: { a: [3, 5], b: [5] } },
  Sub: { inputs: { a: [3, 5], b: [5] } },
  Multiply: { inputs: { a: [3, 5], b: [5] } },
  Sum: { inputs: { x: [4, 3, 5] }, attrs: { axis: [0], keepDims: false } },
  Prelu: { inputs: { x: [4, 5], alpha: [5] } },
  Slice: { inputs: { x: [5, 4] }, attrs: { begin: [2, 1], size: [3, 3] } },
  ClipByValue: { inputs: { x: [9] }, attrs: { clipValueMin: -0.5, clipValueMax: 0.5 } },
  Complex: { inputs: { real: [4, 3], imag: [4, 3] } },
  FusedBatchNorm: {
    inputs: { x: [2, 3, 3, 9], mean: [9], variance: [9], scale: [9], offset: [9] },
    attrs: { varianceEpsilon: 1 },
  },
  FerBatchNormGradient: {
    inputs: { x: [2, 3, 3, 9], dy: [2, 3, 3, 9], mean: [9], variance: [9], scale: [9] },
    attrs: { varianceEpsilon: 1 },
  },
  FerBatchNormTraining: {
    inputs: { x: [2, 3, 3, 9], scale: [9], offset: [9] },
    attrs: { varianceEpsilon: 1 },
  },
  FerBatchNormTrainingGradient: {
    inputs: {
      ...{ x: [2, 3, 3, 9], dy: [2, 3, 3, 9], scale: [9], offset: [9], mean: [9], variance: [9] },
      ...{ dMean: [9], dVariance: [9] },
    },
    attrs: { varianceEpsilon: 1 },
  },
  Relu: { inputs: { x: [4, 5] } },
  Relu6: { inputs: { x: [4, 5] } },
  FerReluGradient: { inputs: { x: [4, 5], dy: [4, 5] } },
  FerClipGradient: { inputs: { x: [4, 5], dy: [4, 5] }, attrs: { low: 0, high: 0.5 } },
  FerSwish: { inputs: { x: [4, 5] } },
  FerSwishGradient: { inputs: { x: [4, 5], dy: [4, 5] } },
  FerDropout: { inputs: { x: [4, 5] }, attrs: { rate: 0.5, seed: 1 } },
  Mean: { inputs: { x: [4, 3, 5] }, attrs: { axis: [0], keepDims: false } },
  Real: { inputs: { input: [4, 3] }, dtypes: { input: 'complex64' } },
  Imag: { inputs: { input: [4, 3] }, dtypes: { input: 'complex64' } },
  ComplexAbs: { inputs: { x: [4, 3] }, dtypes: { x: 'complex64' } },
  FFT: { inputs: { input: [2, 8] }, dtypes: { input: 'complex64' } },
  IFFT: { inputs: { input: [2, 8] }, dtypes: { input: 'complex64' } },
};

/** An optimizer of every class that TF.js has. */
const OPTIMIZERS: Record<string, () => tf.Optimizer> = {
  SGDOptimizer: () => tf.train.sgd(0.1),
  MomentumOptimizer: () => tf.train.momentum(0.1, 0.9),
  RMSPropOptimizer: () => tf.train.rmsprop(0.1, 0.9, 0.5, 1e-3, true),
  AdamOptimizer: () => tf.train.adam(0.1),
  AdadeltaOptimizer: () => tf.train.adadelta(0.1),
  AdagradOptimizer: () => tf.train.adagrad(0.1),
  AdamaxOptimizer: () => tf.train.adamax(0.1),
};

/** Lets an optimizer keep means of another shape, as weights of another net that were loaded into it would be. */
async function replaceMeans(optimizer: tf.Optimizer, shape: number[]): Promise<void> {
  let weights: { name: string; tensor: tf.Tensor }[];
  try {
    weights = await optimizer.getWeights();
  } catch {
    // Adamax has no such functions.
    return;
  }
  const other = weights.map(({ name, tensor }) => ({
    name,
    tensor: tensor.rank === 2 ? tf.zeros(shape) : tf.clone(tensor),
  }));
  await optimizer.setWeights(other);
  tf.dispose(other.map(({ tensor }) => tensor));
}

function partsOf(output: tf.Tensor): tf.Tensor[] {
  return output.dtype === 'complex64' ? [tf.real(output), tf.imag(output)] : [output];
}

/** Shapes that fit, except one that is longer or shorter, or has one axis more or less. */
function spoilt(inputs: Record<string, number[]>) {
  if (Object.keys(inputs).length === 0) return fc.constant({ shapes: inputs, dtype: 'float32' as const });
  return fc
    .record({
      which: fc.constantFrom(...Object.keys(inputs)),
      axis: fc.nat(9),
      change: fc.constantFrom('longer', 'shorter', 'empty', 'more axes', 'fewer axes', 'nothing'),
      by: fc.integer({ min: 1, max: 40 }),
      dtype: fc.constantFrom('float32' as const, 'float32' as const, 'int32' as const),
    })
    .map(({ which, axis, change, by, dtype }) => {
      const shape = [...inputs[which]];
      if (shape.length === 0) return { shapes: { ...inputs, [which]: change === 'more axes' ? [by] : [] }, dtype };
      const at = axis % shape.length;
      if (change === 'longer') shape[at] += by;
      if (change === 'shorter') shape[at] = Math.max(1, shape[at] - by);
      if (change === 'empty') shape[at] = 0;
      if (change === 'more axes') shape.unshift(1);
      if (change === 'fewer axes') shape.splice(at, 1);
      return { shapes: { ...inputs, [which]: shape }, dtype };
    });
}

function resultOf(name: string, inputs: Record<string, tf.Tensor>, attrs: object = {}): Error | tf.Tensor[] {
  try {
    // Kernels of a list of tensors are called with one.
    const given = '0' in inputs ? (Object.values(inputs) as never) : inputs;
    return [tf.engine().runKernel(name, given, attrs as tf.NamedAttrMap)].flat() as tf.Tensor[];
  } catch (error) {
    return error as Error;
  }
}

/** What is freed stays in memory: tensors that follow lie among values far larger than theirs. */
function poisonMemory(): void {
  tf.dispose(Array.from({ length: 30 }, (_, i) => tf.fill([32 << (i % 6)], 1e30)));
}
