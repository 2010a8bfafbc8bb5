import { describe, expect, test } from 'vitest';
import { buildModel, summary } from '../../../src/index.js';

describe('buildModel', () => {
  test('is the network of the report, layer by layer', () => {
    const layers = buildModel().layers.map((layer) => [layer.getClassName(), layer.outputShape, layer.countParams()]);
    expect(layers).toEqual([
      ['Conv2D', [null, 32, 32, 32], 320],
      ['MaxPooling2D', [null, 16, 16, 32], 0],
      ['Dropout', [null, 16, 16, 32], 0],
      ['Conv2D', [null, 16, 16, 32], 9_248],
      ['MaxPooling2D', [null, 8, 8, 32], 0],
      ['Dropout', [null, 8, 8, 32], 0],
      ['Flatten', [null, 2048], 0],
      ['Dense', [null, 256], 524_544],
      ['Dense', [null, 5], 1_285],
    ]);
    expect(buildModel().countParams()).toBe(535_397);
  });

  test('has 896 parameters in the first convolution of a colour model', () => {
    expect(buildModel({ channels: 3 }).layers[0].countParams()).toBe(896);
  });

  test('gives the same weights for the same seed, others for another', () => {
    const weights = (seed: number) =>
      buildModel({ seed })
        .getWeights()
        .map((weight) => Array.from(weight.dataSync()));
    expect(weights(0)).toEqual(weights(0));
    expect(weights(7)).toEqual(weights(7));
    expect(weights(7)).not.toEqual(weights(8));
  });

  test('draws kernels within the Glorot limit, the layers independently', () => {
    const [conv1, , conv2, , dense1] = buildModel({ seed: 3 }).getWeights();
    const limit = Math.sqrt(6 / (9 * 32 + 9 * 32));
    const values = Array.from(conv2.dataSync());
    expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(limit + 1e-6);
    expect(Math.max(...values)).toBeGreaterThan(0.9 * limit);
    expect(conv1.dataSync()[0] / conv2.dataSync()[0]).not.toBeCloseTo(dense1.dataSync()[0] / conv2.dataSync()[0], 6);
  });

  test.each([
    [{ dropout: 1 }, 'dropout'],
    [{ dropout: Number.NaN }, 'dropout'],
    [{ channels: 2 as 3 }, 'channels'],
    [{ seed: -1 }, 'seed'],
    [{ seed: 0.5 }, 'seed'],
  ])('refuses %j', (options, named) => {
    expect(() => buildModel(options)).toThrow(
      expect.objectContaining({ code: 'OPTION', message: expect.stringContaining(named) }),
    );
  });
});

describe('summary', () => {
  test('is the table that Keras prints', () => {
    expect(summary(buildModel())).toBe(
      [
        'Model: "fer_dcnn"',
        '___________________________________________',
        'Layer (type)          Output shape  Param #',
        '===========================================',
        'conv1 (Conv2D)        [n,32,32,32]      320',
        'pool1 (MaxPooling2D)  [n,16,16,32]        0',
        'dropout1 (Dropout)    [n,16,16,32]        0',
        'conv2 (Conv2D)        [n,16,16,32]    9,248',
        'pool2 (MaxPooling2D)  [n,8,8,32]          0',
        'dropout2 (Dropout)    [n,8,8,32]          0',
        'flatten (Flatten)     [n,2048]            0',
        'dense1 (Dense)        [n,256]       524,544',
        'dense2 (Dense)        [n,5]           1,285',
        '===========================================',
        'Total params: 535,397',
        'Trainable params: 535,397',
        'Non-trainable params: 0',
      ].join('\n'),
    );
  });
});
