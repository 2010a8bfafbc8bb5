import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, model as modelOf, type SymbolicTensor, sequential } from '@tensorflow/tfjs-layers';
import { describe, expect, test } from 'vitest';
import { buildModel } from '../../../src/index.js';
import { fromFiles, type ModelFiles, toFiles } from '../../../src/tfjs/model/artifacts.js';
import { MOST_LAYERS } from '../../../src/tfjs/model/bounded-layers.js';

/** Bytes that the process may grow by until a model is refused. */
const MEMORY = 256 * 2 ** 20;

type Json = Record<string, unknown>;
const layer = (className: string, config: Json) => ({ class_name: className, config: { name: className, ...config } });
const chain = (...list: Json[]) => layer('Sequential', { layers: list });
const image = { batch_input_shape: [null, 32, 32, 1] };
const conv = (config: Json = {}) => layer('Conv2D', { ...image, filters: 2, kernel_size: 3, ...config });
const dense = (config: Json = {}) => layer('Dense', { units: 5, ...config });
const flatten = (config: Json = {}) => layer('Flatten', config);
/** The output of a layer's first call, or, for 'name:1', of its second; of a model, the first is its own. */
const place = (name: string) => [name.split(':')[0], Number(name.split(':')[1] ?? 0), 0];
/** A model of named layers and whose outputs each takes. */
const graph = (list: [Json, ...string[][]][], output: string) =>
  layer('Model', {
    layers: list.map(([each, ...calls]) => ({
      ...each,
      name: (each.config as Json).name,
      inbound_nodes: calls.map((names) => names.map((name) => [...place(name), {}])),
    })),
    input_layers: [[(list[0][0].config as Json).name, 0, 0]],
    output_layers: [place(output)],
  });
const input = (name = 'in', shape: (number | null)[] = [null, 32, 32, 1]) =>
  layer('InputLayer', { name, batch_input_shape: shape });
const named = (name: string, each: Json) => ({ ...each, config: { ...(each.config as Json), name } });
/** Models in models, each calling the one inside it twice. */
const nested = (depth: number): Json =>
  depth === 0
    ? layer('Activation', { activation: 'relu' })
    : graph([[input(`in${depth}`)], [named('a', nested(depth - 1)), [`in${depth}`], ['a']]], 'a');
/** A huge image, and a small one again. */
const there = layer('UpSampling2D', { size: [1e5, 1e5] });
const back = layer('MaxPooling2D', { pool_size: [1e5, 1e5], strides: [1e5, 1e5] });
const anySize = graph(
  [[input('any', [null, null, null, 1])], [named('up', there), ['any']], [named('down', back), ['up']]],
  'down',
);

/** As few weights as a manifest can have, which are really there. */
function files(topology: unknown, weights = 1): ModelFiles {
  const entry = { name: 'w', shape: [weights], dtype: 'float32' as const };
  return {
    json: {
      format: 'layers-model',
      generatedBy: 'test',
      convertedBy: null,
      modelTopology: topology as object,
      weightsManifest: [{ paths: ['w.bin'], weights: [entry] }],
    },
    binary: new Uint8Array(weights * 4),
  };
}

/** The topology of a real model with one value changed. */
function changed(model: LayersModel, change: (text: string) => string): ModelFiles {
  const { json, binary } = toFiles(model);
  model.dispose();
  const topology = change(JSON.stringify(json.modelTopology));
  expect(topology).not.toBe(JSON.stringify(json.modelTopology));
  return { json: { ...json, modelTopology: JSON.parse(topology) as object }, binary };
}

const hostile: [string, () => ModelFiles, RegExp][] = [
  ['a billion units', () => files(chain(flatten(image), dense({ units: 1e9 }))), /more than the 1 weights/],
  [
    'a billion units behind real weights',
    () => changed(buildModel({ seed: 1 }), (s) => s.replace('"units":5', '"units":1e9')),
    /dense2\/kernel.* more than the 535397 weights/,
  ],
  ['a hundred million filters', () => files(chain(conv({ filters: 1e8 }))), /Conv2D\/kernel/],
  ['kernels of a million by a million', () => files(chain(conv({ kernel_size: [1e6, 1e6] }))), /Conv2D\/kernel/],
  ['sizes whose product is infinite', () => files(chain(conv({ kernel_size: [1e200, 1e200] }))), /kernelSize/],
  ['units of 1e308', () => files(chain(flatten(image), dense({ units: 1e308 }))), /Dense/],
  ['negative units', () => files(chain(flatten(image), dense({ units: -5 })), 1e4), /units/],
  ['half units', () => files(chain(flatten(image), dense({ units: 0.5 })), 1e4), /units/],
  ['units of NaN', () => files(chain(flatten(image), dense({ units: Number.NaN })), 1e4), /units/],
  ['negative filters', () => files(chain(conv({ filters: -2 })), 1e4), /filters/],
  [
    'an unknown number of inputs',
    () => files(chain(layer('Dense', { units: 5, batch_input_shape: [null, null] })), 1e4),
    /./,
  ],
  [
    'a huge embedding',
    () => files(chain(layer('Embedding', { input_dim: 1e9, output_dim: 64, input_length: 4 }))),
    /Embedding/,
  ],
  ['a huge input', () => files(chain(flatten({ batch_input_shape: [null, 1e5, 1e5, 3] }), dense())), /Dense\/kernel/],
  ['a huge input and no weights', () => files(chain(flatten({ batch_input_shape: [null, 1e5, 1e5, 3] }))), /1 GiB/],
  ['sizes that are no numbers', () => files(chain(conv({ filters: '9'.repeat(9) }))), /filters/],
  [
    'layers that enlarge',
    () => files(chain(layer('UpSampling2D', { ...image, size: [1e5, 1e5] }), layer('GlobalAveragePooling2D', {}))),
    /1 GiB/,
  ],
  [
    'layers that enlarge, then flatten into weights',
    () => files(chain(layer('UpSampling2D', { ...image, size: [1e5, 1e5] }), flatten(), dense())),
    /Dense\/kernel/,
  ],
  [
    'layers that pad',
    () =>
      files(
        chain(
          layer('ZeroPadding2D', {
            ...image,
            padding: [
              [0, 1e6],
              [0, 1e6],
            ],
          }),
          layer('GlobalMaxPooling2D', {}),
        ),
      ),
    /1 GiB/,
  ],
  [
    'layers that pad by less than nothing',
    () =>
      files(
        chain(
          layer('ZeroPadding2D', {
            ...image,
            padding: [
              [-100, 0],
              [0, 0],
            ],
          }),
          layer('GlobalMaxPooling2D', {}),
        ),
      ),
    /Negative dimension/,
  ],
  ['a repeated vector', () => files(chain(flatten(image), layer('RepeatVector', { n: 1e7 }))), /1 GiB/],
  [
    'a hundred large layers',
    () =>
      files(
        chain(
          layer('UpSampling2D', { ...image, size: [64, 64] }),
          ...Array.from({ length: 100 }, (_, i) => named(`a${i}`, layer('Activation', { activation: 'relu' }))),
        ),
      ),
    /1 GiB/,
  ],
  [
    'a nested model that enlarges',
    () =>
      files(
        chain(named('in1', chain(named('up', { ...there, config: { ...there.config, ...image } }), back)), flatten()),
      ),
    /1 GiB/,
  ],
  [
    'a nested model for images of any size that enlarges',
    () => files(graph([[input()], [named('a', anySize), ['in']]], 'a:1')),
    /1 GiB/,
  ],
  [
    'a huge layer in a nested model',
    () => files(graph([[input()], [named('a', chain(conv({ filters: 1e8 }))), ['in']]], 'a')),
    /Conv2D\/kernel/,
  ],
  [
    'a huge layer in a wrapper',
    () => files(chain(layer('TimeDistributed', { ...image, layer: dense({ units: 1e9 }) }))),
    /Dense\/kernel/,
  ],
  [
    'a huge recurrent cell',
    () => files(chain(layer('LSTM', { units: 1e6, batch_input_shape: [null, 4, 1] }))),
    /kernel/,
  ],
  [
    'both ways',
    () =>
      files(
        chain(
          layer('Bidirectional', {
            batch_input_shape: [null, 4, 1],
            merge_mode: 'concat',
            layer: layer('LSTM', { units: 1e6 }),
          }),
        ),
      ),
    /kernel/,
  ],
  [
    'a state of a billion images',
    () => files(chain(layer('SimpleRNN', { units: 1, stateful: true, batch_input_shape: [1e9, 4, 1] })), 9),
    /stateful/,
  ],
  [
    'ten thousand layers',
    () =>
      files(
        chain(
          flatten(image),
          ...Array.from({ length: 1e4 }, (_, i) => named(`a${i}`, layer('Activation', { activation: 'relu' }))),
        ),
      ),
    /more than 4000 layers/,
  ],
  ['models in models, twice each', () => files(nested(30)), /more than 4000 layers/],
  [
    'layers that wait for each other',
    () =>
      files(
        graph(
          [[input()], [named('a', layer('Add', {})), ['in', 'b']], [named('b', layer('Add', {})), ['in', 'a']]],
          'b',
        ),
      ),
    /no layer gives/,
  ],
  [
    'a layer that waits for one that is not there',
    () => files(graph([[input()], [named('a', flatten()), ['nowhere']]], 'a')),
    /no layer gives/,
  ],
  [
    'thousands of layers that wait',
    () =>
      files(
        graph(
          [
            [input()],
            ...Array.from({ length: MOST_LAYERS - 2 }, (_, i): [Json, string[]] => [
              named(`a${i}`, flatten()),
              [`a${i + 1}`],
            ]),
          ],
          'a0',
        ),
      ),
    /no layer gives/,
  ],
  ['a class that is none', () => files(layer('constructor', { layers: [] })), /unknown model class constructor/],
  ['another class', () => files(layer('Prototype', {})), /unknown model class Prototype/],
  ['something else that TF.js can make', () => files(layer('Zeros', {})), /./],
  ['a layer instead of a model', () => files(dense()), /./],
  [
    'lists in lists',
    () => files(JSON.parse(`{"class_name":"Sequential","config":{"layers":${'['.repeat(1e5)}${']'.repeat(1e5)}}}`)),
    /./,
  ],
  [
    'more weights than a model may have',
    () => {
      const { json, binary } = files(chain(conv()));
      json.weightsManifest[0].weights[0].shape = [2 ** 20, 2 ** 20];
      return { json, binary };
    },
    /268435456/,
  ],
];

describe('a model that declares more weights than it has', () => {
  test.each(hostile)('%s: is refused before memory is taken', { timeout: 60_000 }, async (_, make, message) => {
    const given = make();
    const before = { tensors: tf.memory().numTensors, peak: process.resourceUsage().maxRSS, ...process.memoryUsage() };
    const error = await fromFiles(given).then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ name: 'FerError', code: 'MODEL', message: expect.stringMatching(message) });
    expect(tf.memory().numTensors).toBe(before.tensors);
    expect(process.memoryUsage().arrayBuffers - before.arrayBuffers).toBeLessThan(MEMORY);
    expect(process.resourceUsage().maxRSS - before.peak).toBeLessThan(MEMORY / 1024);
  });

  test('does not prevent other models from being built meanwhile or later', async () => {
    const [refused, ...fine] = await Promise.allSettled([
      fromFiles(files(chain(flatten(image), dense({ units: 1e9 })))),
      fromFiles(toFiles(buildModel({ seed: 1 }))),
      Promise.resolve().then(() => buildModel({ seed: 2 })),
      fromFiles(toFiles(buildModel({ seed: 3 }), { quantize: 'uint8' })),
    ]);
    expect(refused.status).toBe('rejected');
    expect(fine.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled']);
    const large = sequential({ layers: [layers.dense({ units: 1000, inputShape: [1000] })] });
    expect(large.countParams()).toBe(1001000);
    large.dispose();
  });
});

describe('a model that has the weights it declares', () => {
  const shared = () => {
    const x = layers.input({ shape: [32, 32, 1] });
    const tower = sequential({
      layers: [
        layers.conv2d({ filters: 4, kernelSize: 3, inputShape: [32, 32, 1] }),
        layers.batchNormalization(),
        layers.globalAveragePooling2d({}),
      ],
    });
    const both = layers.concatenate().apply([tower.apply(x), tower.apply(x)] as SymbolicTensor[]) as SymbolicTensor;
    return modelOf({ inputs: x, outputs: layers.dense({ units: 5 }).apply(both) as SymbolicTensor });
  };
  // Orthogonal ones, the usual, want all of TF.js.
  const recurrentInitializer = 'glorotUniform' as const;
  const recurrent = () =>
    sequential({
      layers: [
        layers.reshape({ targetShape: [32, 32], inputShape: [32, 32, 1] }),
        layers.bidirectional({
          layer: layers.lstm({ units: 3, returnSequences: true, recurrentInitializer }) as never,
          mergeMode: 'concat',
        }),
        layers.timeDistributed({ layer: layers.dense({ units: 2 }) }),
        layers.rnn({
          cell: layers.stackedRNNCells({
            name: 'cells',
            cells: [
              layers.gruCell({ units: 3, recurrentInitializer }),
              layers.lstmCell({ units: 2, recurrentInitializer }),
            ],
          }) as never,
        }),
        layers.dense({ units: 5 }),
      ],
    });
  const deep = () =>
    sequential({
      layers: [
        layers.flatten({ inputShape: [32, 32, 1] }),
        ...Array.from({ length: 1100 }, () => layers.activation({ activation: 'relu' })),
        layers.dense({ units: 5 }),
      ],
    });
  test.each([
    ['called twice inside another', shared],
    ['of recurrent layers and wrappers', recurrent],
    ['of 1,100 layers', deep],
  ] as [string, () => LayersModel][])('%s: is loaded, and computes the same', async (_, make) => {
    const model = make();
    const back = await fromFiles(toFiles(model));
    const faces = tf.randomUniform([2, 32, 32, 1], 0, 1, 'float32', 5);
    expect((back.predict(faces) as tf.Tensor).arraySync()).toEqual((model.predict(faces) as tf.Tensor).arraySync());
    expect(back.getClassName()).toBe(model.getClassName());
    const namesOf = ({ layers, weights }: LayersModel) =>
      [...layers, ...weights].map((each) => each.name.replace(/_\d+$/, ''));
    expect(namesOf(back)).toEqual(namesOf(model));
  });

  test('for images of any size is loaded', async () => {
    const model = sequential({
      layers: [
        layers.conv2d({ filters: 2, kernelSize: 3, inputShape: [null, null, 1] }),
        layers.globalMaxPooling2d({}),
      ],
    });
    expect((await fromFiles(toFiles(model))).countParams()).toBe(20);
  });
});
