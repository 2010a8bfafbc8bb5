import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import fc from '../../fast-check.js';
import { nightTest, rows, runs } from '../../night.js';
import { differenceOf, noise, on, PATHS, startOn } from './paths.js';

/** Relative to the largest magnitude of the expected tensor. */
const TOLERANCE = 1e-4;

describe.each(PATHS)('convolutions on the %s path', (path) => {
  beforeAll(() => startOn(path));

  test('equal those of the cpu backend, for any sizes', async () => {
    await fc.assert(
      fc.asyncProperty(convolution, async (c) => {
        fc.pre(c.strides.every((s) => s === 1) || c.dilations.every((d) => d === 1));
        // The composed path convolves by TF.js's own kernel, which errs for some explicit borders.
        fc.pre(path !== 'composed' || typeof c.pad === 'string');
        const forward = () => [
          tf.conv2d(imageOf(c), filterOf(c), c.strides, padOf(c), 'NHWC', c.dilations, roundingOf(c)),
        ];
        const [expected] = await on('cpu', forward);
        const [actual] = await on('wasm', forward);
        expect(differenceOf(actual, expected)).toBeLessThan(TOLERANCE);
      }),
      { numRuns: runs(400) },
    );
  });

  test('have the gradients of the cpu backend, for any sizes', async () => {
    await fc.assert(
      fc.asyncProperty(convolution, fc.constantFrom('NHWC', 'NCHW'), async (c, dataFormat) => {
        const { strides } = c;
        // The cpu backend's gradients know no dilation: there, the filter has the zeros in it.
        const gradients = (dilated: boolean) => () => {
          const dilations = dilated ? c.dilations : 1;
          const filter = dilated ? filterOf(c) : spreadFilter(filterOf(c), c.dilations);
          const toFormat = <T extends tf.Tensor>(t: T) => (dataFormat === 'NHWC' ? t : tf.transpose(t, [0, 3, 1, 2]));
          const info = tf.backend_util.computeConv2DInfo(
            imageShapeOf(c),
            filter.shape,
            strides,
            dilations,
            padOf(c),
            roundingOf(c),
          );
          const pad = padOf(c, dataFormat);
          const x = toFormat(imageOf(c));
          const dy = toFormat(noise(info.outShape, 3));
          const attrs = { strides, pad, dilations, dataFormat, dimRoundingMode: roundingOf(c) };
          const run = (name: string, inputs: Record<string, tf.Tensor>, shape: Record<string, number[]>) =>
            tf.engine().runKernel(name, inputs, { ...attrs, ...shape } as unknown as tf.NamedAttrMap) as tf.Tensor4D;
          const dx = run('Conv2DBackpropInput', { dy, filter }, { inputShape: x.shape });
          const df = run('Conv2DBackpropFilter', { x, dy }, { filterShape: filter.shape });
          return [dx, dilated ? df : gatherFilter(df, c.dilations)];
        };
        const [expectedDx, expectedDf] = await on('cpu', gradients(false));
        const [dx, df] = await on('wasm', gradients(true));
        expect(differenceOf(dx, expectedDx)).toBeLessThan(TOLERANCE);
        expect(differenceOf(df, expectedDf)).toBeLessThan(TOLERANCE);
      }),
      { numRuns: runs(400) },
    );
  });

  test('have the right gradients for the shapes with the fastest code', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          n: size(5),
          height: size(19),
          width: size(19),
          channels: fc.constantFrom(1, 3, 4, 8, 12, 16, 32),
          outputs: fc.constantFrom(1, 4, 8, 16, 24, 32),
          pad: fc.constantFrom('same' as const, 'valid' as const, 1, 2),
          stride: fc.constantFrom(1, 2),
        }),
        async ({ n, height, width, channels, outputs, pad, stride }) => {
          fc.pre(pad !== 'valid' || (height >= 3 && width >= 3));
          const gradients = () => {
            const y = (x: tf.Tensor, filter: tf.Tensor) =>
              tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, stride, pad, 'NHWC', 1, roundingOf({ pad }));
            const x = noise([n, height, width, channels], 1);
            const filter = noise([3, 3, channels, outputs], 2);
            const value = y(x, filter);
            return [value, ...tf.grads(y)([x, filter], noise(value.shape, 3))];
          };
          const expected = await on('cpu', gradients);
          const actual = await on('wasm', gradients);
          for (let i = 0; i < 3; i++) expect(differenceOf(actual[i], expected[i])).toBeLessThan(TOLERANCE);
        },
      ),
      { numRuns: runs(60) },
    );
  });

  // By day on one path, with sizes that leave a rest.
  const manyPixels = path === 'composed' ? nightTest : test;
  manyPixels('have the right gradients when many pixels are summed', async () => {
    const sizes = [
      [23, 13, 15, 1],
      [23, 13, 15, 2],
      [16, 16, 16, 1],
      [16, 16, 16, 2],
    ];
    for (const [n, height, width, stride] of rows(sizes, 2)) {
      const gradients = () => {
        const x = noise([n, height, width, 8], 1);
        const filter = noise([3, 3, 8, 16], 2);
        const y = (a: tf.Tensor, f: tf.Tensor) => tf.conv2d(a as tf.Tensor4D, f as tf.Tensor4D, stride, 'same');
        const outputs = [n, Math.ceil(height / stride), Math.ceil(width / stride), 16];
        return tf.grads(y)([x, filter], noise(outputs, 3));
      };
      const expected = await on('cpu', gradients);
      const actual = await on('wasm', gradients);
      for (let i = 0; i < 2; i++) expect(differenceOf(actual[i], expected[i])).toBeLessThan(TOLERANCE);
    }
  });

  test('can be dilated in a net that is trained', async () => {
    await tf.setBackend('wasm');
    const [dx, df] = tf.tidy(() => {
      const y = (x: tf.Tensor, filter: tf.Tensor) =>
        tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, 'valid', 'NHWC', 2);
      return tf
        .grads(y)([tf.ones([1, 3, 3, 1]), tf.ones([2, 2, 1, 1])], tf.ones([1, 1, 1, 1]))
        .map((t) => [...t.dataSync()]);
    });
    expect(dx).toEqual([1, 0, 1, 0, 0, 0, 1, 0, 1]);
    expect(df).toEqual([1, 1, 1, 1]);
  });
});

describe.each(PATHS)('depthwise convolutions on the %s path', (path) => {
  beforeAll(() => startOn(path));

  test('have the gradients of the cpu backend', async () => {
    await fc.assert(
      fc.asyncProperty(convolution, async (c) => {
        const stride = c.strides[0];
        const { outputs, channels, filter } = c;
        const pad = typeof c.pad === 'string' ? c.pad : 'same';
        fc.pre(pad === 'same' || (c.height >= filter[0] && c.width >= filter[1]));
        const gradients = () => {
          const kernel = noise([...filter, channels, outputs], 2) as tf.Tensor4D;
          const x = imageOf(c);
          const info = tf.backend_util.computeConv2DInfo(x.shape, kernel.shape, stride, 1, pad, undefined, true);
          const dy = noise(info.outShape, 3);
          const attrs = { strides: stride, pad, dilations: 1 };
          const run = (name: string, inputs: Record<string, tf.Tensor>, shape: Record<string, number[]>) =>
            tf.engine().runKernel(name, inputs, { ...attrs, ...shape } as unknown as tf.NamedAttrMap) as tf.Tensor4D;
          return [
            run('DepthwiseConv2dNativeBackpropInput', { dy, filter: kernel }, { inputShape: x.shape }),
            run('DepthwiseConv2dNativeBackpropFilter', { x, dy }, { filterShape: kernel.shape }),
          ];
        };
        const [expectedDx, expectedDf] = await on('cpu', gradients);
        const [dx, df] = await on('wasm', gradients);
        expect(differenceOf(dx, expectedDx)).toBeLessThan(TOLERANCE);
        expect(differenceOf(df, expectedDf)).toBeLessThan(TOLERANCE);
      }),
      { numRuns: runs(100) },
    );
  });
});

const size = (max: number) => fc.integer({ min: 1, max });
const border = fc.integer({ min: 0, max: 3 });
const convolution = fc
  .record({
    n: size(3),
    height: size(11),
    width: size(11),
    channels: size(9),
    outputs: size(13),
    filter: fc.tuple(size(4), size(4)),
    strides: fc.tuple(size(3), size(3)),
    dilations: fc.tuple(size(3), size(3)),
    pad: fc.oneof(
      fc.constantFrom('same' as const, 'valid' as const),
      border,
      fc.tuple(fc.tuple(border, border), fc.tuple(border, border)),
    ),
  })
  .filter(({ height, width, filter, strides, dilations, pad }) => {
    if (pad === 'same') return true;
    // Where the padding is a number, TF.js reckons both sizes from the height of filter and stride, without dilation.
    const square = filter[0] === filter[1] && strides[0] === strides[1] && dilations.every((d) => d === 1);
    if (typeof pad === 'number' && !square) return false;
    const extra = pad === 'valid' ? [0, 0] : typeof pad === 'number' ? [2 * pad, 2 * pad] : pad.map(([a, b]) => a + b);
    return (
      height + extra[0] > (filter[0] - 1) * dilations[0] + 1 && width + extra[1] > (filter[1] - 1) * dilations[1] + 1
    );
  });

type Convolution = typeof convolution extends fc.Arbitrary<infer T> ? T : never;

function imageShapeOf({ n, height, width, channels }: Convolution): [number, number, number, number] {
  return [n, height, width, channels];
}

function imageOf(c: Convolution): tf.Tensor4D {
  return noise(imageShapeOf(c), 1) as tf.Tensor4D;
}

function filterOf({ filter, channels, outputs }: Convolution): tf.Tensor4D {
  return noise([...filter, channels, outputs], 2) as tf.Tensor4D;
}

function padOf({ pad }: Convolution, dataFormat = 'NHWC') {
  if (!Array.isArray(pad)) return pad;
  const none = [0, 0];
  return (dataFormat === 'NHWC' ? [none, ...pad, none] : [none, none, ...pad]) as [
    [number, number],
    [number, number],
    [number, number],
    [number, number],
  ];
}

function roundingOf({ pad }: Pick<Convolution, 'pad'>): 'floor' | undefined {
  return typeof pad === 'string' ? undefined : 'floor';
}

/** The filter with `dilation - 1` zeros between its taps. */
function spreadFilter(filter: tf.Tensor4D, [dilationHeight, dilationWidth]: [number, number]): tf.Tensor4D {
  const [height, width, inputs, outputs] = filter.shape;
  const spread = tf.buffer([(height - 1) * dilationHeight + 1, (width - 1) * dilationWidth + 1, inputs, outputs]);
  const source = filter.bufferSync();
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < width; j++) {
      for (let c = 0; c < inputs; c++) {
        for (let o = 0; o < outputs; o++) {
          spread.set(source.get(i, j, c, o), i * dilationHeight, j * dilationWidth, c, o);
        }
      }
    }
  }
  return spread.toTensor() as tf.Tensor4D;
}

/** The taps of a filter that `spreadFilter` made. */
function gatherFilter(spread: tf.Tensor4D, [dilationHeight, dilationWidth]: [number, number]): tf.Tensor {
  return tf.stridedSlice(spread, [0, 0, 0, 0], spread.shape, [dilationHeight, dilationWidth, 1, 1]);
}
