import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, model as makeModel, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildModel, useBackend } from '../../../src/index.js';
import { fromFiles, type ModelFiles, toFiles } from '../../../src/tfjs/model/artifacts.js';

type Node = Record<string, unknown>;

beforeAll(() => useBackend('cpu'));

const policy = { module: 'keras', class_name: 'DTypePolicy', config: { name: 'float32' }, registered_name: null };

/** A model's files as Keras 3 and its converter write them: by hand after `model.to_json()` of Keras 3.5. */
function asKeras3({ json, binary }: ModelFiles): ModelFiles {
  const copy = JSON.parse(JSON.stringify(json));
  const root = copy.modelTopology.model_config ?? copy.modelTopology;
  const name: string = root.config.name;
  copy.modelTopology.keras_version = '3.5.0';
  const tensor = (history: unknown[]) => ({ class_name: '__keras_tensor__', config: { keras_history: history } });
  const [first] = root.config.layers as { class_name: string; config: Node }[];
  if (first.class_name !== 'InputLayer') {
    const input = { batch_input_shape: first.config.batch_input_shape, name: 'input_layer' };
    root.config.layers.unshift({ class_name: 'InputLayer', config: input });
    delete first.config.batch_input_shape;
  }
  for (const layer of root.config.layers as Node[]) {
    const config = layer.config as Node;
    layer.module = 'keras.layers';
    layer.registered_name = null;
    if (config.batch_input_shape !== undefined && layer.class_name === 'InputLayer') {
      config.batch_shape = config.batch_input_shape;
      delete config.batch_input_shape;
    }
    config.dtype = policy;
    const nodes = (layer.inbound_nodes ?? []) as unknown[][][];
    if (layer.inbound_nodes !== undefined) {
      layer.inbound_nodes = nodes.map((node) => {
        const tensors = node.map(([from, index, place]) => tensor([from, index, place]));
        return { args: tensors.length > 1 ? [tensors] : tensors, kwargs: { training: false, mask: null } };
      });
    }
  }
  for (const key of ['input_layers', 'output_layers']) {
    if (root.config[key]?.length === 1) root.config[key] = root.config[key][0];
  }
  for (const group of copy.weightsManifest) {
    for (const weight of group.weights) weight.name = `${name}/${weight.name}`;
  }
  return { json: copy, binary };
}

/** A chain of layers with its input written out, as Keras does. */
function sequential(): LayersModel {
  return buildModel({ seed: 4 });
}

/** Two ways that meet: a node of two tensors. */
function functional(): LayersModel {
  const input = layers.input({ shape: [32, 32, 1] });
  const conv = (filters: number) =>
    layers.conv2d({ filters, kernelSize: 3, padding: 'same', activation: 'relu' }).apply(input) as SymbolicTensor;
  const joined = layers.concatenate().apply([conv(2), conv(3)]) as SymbolicTensor;
  const pooled = layers.globalAveragePooling2d({}).apply(joined);
  const output = layers.dense({ units: 5, activation: 'softmax' }).apply(pooled) as SymbolicTensor;
  return makeModel({ inputs: input, outputs: output, name: 'two_ways' });
}

describe.each([
  ['a chain of layers', sequential],
  ['layers with two inputs', functional],
])('%s as Keras 3 writes it', (_, make) => {
  test('gives the same as when saved by Keras 2', async () => {
    const model = make();
    const files = asKeras3(toFiles(model));
    const loaded = await fromFiles(files);
    const xs = tf.randomUniform([3, 32, 32, 1], 0, 1, 'float32', 7);
    const [expected, given] = [model, loaded].map((each) => (each.predict(xs) as tf.Tensor).dataSync());
    expect([...given]).toEqual([...expected]);
    tf.dispose([xs]);
  });
});
