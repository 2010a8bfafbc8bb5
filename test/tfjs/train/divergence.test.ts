import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, model as modelOf, sequential } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  buildModel,
  type CheckpointStore,
  createClassifier,
  evaluate,
  type TrainOptions,
  train,
  useBackend,
} from '../../../src/index.js';
import { allFinite } from '../../../src/network/all-finite.js';
import { decodeCheckpoint, encodeCheckpoint } from '../../../src/tfjs/train/checkpoint.js';

const face = { data: new Uint8Array(1024).map((_, i) => i), width: 32, height: 32, channels: 1 as const };
const faces = [0, 1, 2, 3, 4, 0, 1, 2].map((label) => ({ image: face, label }));

function small(last: 'softmax' | 'sigmoid' | 'linear' = 'softmax', units = 5): LayersModel {
  return sequential({
    layers: [layers.flatten({ inputShape: [32, 32, 1] }), layers.dense({ units, activation: last })],
  });
}

function inMemory(): CheckpointStore & { bytes: Uint8Array | null } {
  return {
    bytes: null,
    async save(saved) {
      this.bytes = saved;
    },
    async load() {
      return this.bytes;
    },
  };
}

/** One weight of the last layer becomes NaN. */
function damage(model: LayersModel): void {
  const layer = model.layers.at(-1)!;
  const [kernel, ...rest] = layer.getWeights();
  const values = kernel.dataSync().slice();
  values[0] = Number.NaN;
  layer.setWeights([tf.tensor(values, kernel.shape), ...rest]);
}

describe.each(['cpu', 'wasm'])('a training that diverges on %s', (backend) => {
  beforeAll(() => useBackend(backend));
  const wild: TrainOptions = { epochs: 1, batchSize: 8, learningRate: 1e38 };

  test.each(workersOf(backend))(
    'in the last step of an epoch is told, with the epoch, by %i threads',
    async (workers) => {
      const model = backend === 'cpu' ? small() : buildModel({ seed: 1 });
      await expect(train(model, faces, { ...wild, workers })).rejects.toMatchObject({
        code: 'NOT_FINITE',
        message: expect.stringMatching(/in epoch 1: try a smaller learning rate$/),
      });
    },
  );

  test('leaves the last good checkpoint, from which a training continues', async () => {
    const checkpoint = inMemory();
    const schedule = (progress: number) => (progress < 0.5 ? 1e-38 : 1);
    const options = { ...wild, epochs: 2, schedule, checkpoint };
    await expect(train(small(), faces, options)).rejects.toMatchObject({
      code: 'NOT_FINITE',
      message: expect.stringContaining('in epoch 2'),
    });
    const { state, arrays } = decodeCheckpoint(checkpoint.bytes!);
    expect(state.epoch).toBe(1);
    expect(arrays.every(allFinite)).toBe(true);
    const { stoppedAt } = await train(small(), faces, { ...options, schedule: () => 1e-38, resume: true });
    expect(stoppedAt).toBe(2);
  });

  test('on its validation data is also detected: finite weights can overflow', async () => {
    const model = small();
    const huge = tf.fill([1024, 5], 3e38);
    const validationData = [{ image: face, label: 0 }];
    const black = [{ image: { ...face, data: new Uint8Array(1024) }, label: 0 }];
    model.layers[1].setWeights([huge, tf.zeros([5])]);
    await expect(train(model, black, { ...wild, learningRate: 1e-9, validationData })).rejects.toMatchObject({
      code: 'NOT_FINITE',
      message: expect.stringContaining('in epoch 1'),
    });
  });
});

function workersOf(backend: string): number[] {
  return backend === 'wasm' ? [1, 2] : [1];
}

describe('weights that are not finite', () => {
  test.each(['cpu', 'wasm', 'simd'])('neither classify nor are measured on %s', async (backend) => {
    const model = buildModel({ seed: 1 });
    damage(model);
    const refused = { code: 'NOT_FINITE', message: expect.stringContaining('dense2') };
    await expect(createClassifier({ model, backend }).classify(face)).rejects.toMatchObject(refused);
    await useBackend(backend);
    await expect(evaluate(model, faces)).rejects.toMatchObject(refused);
    await expect(train(model, faces)).rejects.toMatchObject(refused);
  });

  test('are refused in a checkpoint of any origin', async () => {
    const checkpoint = inMemory();
    await train(small(), faces, { epochs: 1, checkpoint });
    const parts = decodeCheckpoint(checkpoint.bytes!);
    parts.arrays[0][3] = Number.NaN;
    checkpoint.bytes = encodeCheckpoint(parts);
    await expect(train(small(), faces, { epochs: 2, checkpoint, resume: true })).rejects.toMatchObject({
      code: 'CHECKPOINT',
      message: expect.stringContaining('diverged'),
    });
  });
});

describe('a learning rate', () => {
  test.each([Number.NaN, 1e39, -1, Number.POSITIVE_INFINITY])('is no %d', async (learningRate) => {
    await expect(train(small(), faces, { learningRate })).rejects.toMatchObject({ code: 'OPTION' });
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, -0.5, '1', undefined])('is not scaled by %o', async (factor) => {
    const schedule = (() => factor) as () => number;
    await expect(train(small(), faces, { schedule })).rejects.toMatchObject({
      code: 'OPTION',
      message: expect.stringMatching(/^schedule must return a factor of at least 0, got .* at 0$/),
    });
  });
});

describe('outputs that are not probabilities', () => {
  const softmax = { code: 'MODEL', message: expect.stringContaining('softmax') };

  test.each(['linear', 'sigmoid'] as const)(
    'of a %s layer are neither trained, measured nor classified',
    async (last) => {
      await useBackend('wasm');
      const model = small(last);
      await expect(train(model, faces)).rejects.toMatchObject(softmax);
      await expect(evaluate(model, faces)).rejects.toMatchObject(softmax);
      await expect(createClassifier({ model }).classify(face)).rejects.toMatchObject(softmax);
    },
  );

  test('of one unit are refused', async () => {
    const model = small('sigmoid', 1);
    await expect(train(model, faces)).rejects.toMatchObject(softmax);
    await expect(evaluate(model, faces)).rejects.toMatchObject(softmax);
  });

  test('are detected before any weight changes', async () => {
    const model = small('sigmoid');
    const before = Array.from(model.getWeights()[0].dataSync());
    await expect(train(model, faces)).rejects.toMatchObject(softmax);
    expect(Array.from(model.getWeights()[0].dataSync())).toEqual(before);
  });
});

describe('one training at a time', () => {
  beforeAll(() => useBackend('cpu'));

  test('uses a model: a second is refused until the first has ended', async () => {
    const model = small();
    const first = train(model, faces, { epochs: 2 });
    await expect(train(model, faces, { epochs: 2 })).rejects.toMatchObject({
      code: 'MODEL',
      message: expect.stringContaining('is being trained'),
    });
    expect((await first).stoppedAt).toBe(2);
    expect((await train(model, faces, { epochs: 1 })).stoppedAt).toBe(1);
  });

  test('uses the layers of a model, which other models may share', async () => {
    const whole = small();
    const head = modelOf({ inputs: whole.inputs, outputs: whole.outputs });
    const first = train(whole, faces, { epochs: 1 });
    await expect(train(head, faces, { epochs: 1 })).rejects.toMatchObject({ code: 'MODEL' });
    await first;
  });

  test('that fails gives the model back', async () => {
    const model = small();
    await expect(train(model, [])).rejects.toMatchObject({ code: 'DATA' });
    expect((await train(model, faces, { epochs: 1 })).stoppedAt).toBe(1);
  });
});

describe('a training continues', () => {
  beforeAll(() => useBackend('cpu'));
  const began: TrainOptions = {
    ...{ epochs: 1, augment: { shift: 0.1, flip: true }, classWeights: 'balanced', schedule: 'cosine' },
    earlyStopping: { patience: 3 },
  };

  async function resumed(other: TrainOptions) {
    const checkpoint = inMemory();
    await train(small(), faces, { ...began, checkpoint });
    return train(small(), faces, { ...began, epochs: 2, ...other, checkpoint, resume: true });
  }

  test('with the same settings, however they are written', async () => {
    const same: TrainOptions = { augment: { flip: true, shift: 0.1 }, earlyStopping: { patience: 3, minDelta: 0 } };
    expect((await resumed(same)).stoppedAt).toBe(2);
  });

  test.each<[string, TrainOptions]>([
    ['augment', { augment: 'none' }],
    ['augment', { augment: { shift: 0.2, flip: true } }],
    ['classWeights', { classWeights: undefined }],
    ['classWeights', { classWeights: [1, 1, 1, 1, 1] }],
    ['earlyStopping', { earlyStopping: { patience: 4 } }],
    ['earlyStopping', { earlyStopping: { patience: 3, minDelta: 0.1 } }],
    ['schedule', { schedule: 'step' }],
    ['schedule', { schedule: 'constant' }],
  ])('with no other %s: %o', async (name, other) => {
    await expect(resumed(other)).rejects.toMatchObject({
      code: 'CHECKPOINT',
      message: expect.stringMatching(new RegExp(`other settings: \\{"${name}":.*\\}, not \\{"${name}":`)),
    });
  });
});
