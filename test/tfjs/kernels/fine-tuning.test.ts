import * as tf from '@tensorflow/tfjs-core';
import {
  type LayersModel,
  layers,
  loadLayersModel,
  model as modelOf,
  type SymbolicTensor,
} from '@tensorflow/tfjs-layers';
import { MobileNetV2Model } from 'nsfwjs/models/mobilenet_v2';
import { describe, expect } from 'vitest';
import { nightTest } from '../../night.js';
import { noise, PATHS, startOn } from './paths.js';

const SIZE = 96;
const STEPS = 3;
/** The last layer that is kept. */
const CUT = 'out_relu';

describe('fine-tuning of a MobileNetV2 with a new head', () => {
  nightTest(
    'loses what it loses on the cpu backend, step by step, and keeps no tensor',
    async () => {
      await tf.setBackend('cpu');
      const expected = await lossesOf();
      expect(expected).toHaveLength(STEPS);
      expect(expected[STEPS - 1]).not.toBeCloseTo(expected[0], 3);
      for (const path of PATHS) {
        await startOn(path);
        const actual = await lossesOf();
        actual.forEach((loss, i) => {
          expect(Math.abs(loss / expected[i] - 1), `${path}, step ${i}: ${actual} for ${expected}`).toBeLessThan(1e-3);
        });
      }
    },
    400_000,
  );
});

async function lossesOf(): Promise<number[]> {
  const base = await mobileNet();
  const features = base.outputs[0];
  const pooled = layers.globalAveragePooling2d({}).apply(features);
  // The same weights on every backend.
  const head = layers.dense({ units: 5, kernelInitializer: 'zeros', activation: 'softmax' });
  const tuned = modelOf({ inputs: base.inputs, outputs: head.apply(pooled) as SymbolicTensor });
  for (const layer of tuned.layers) layer.trainable = /^(block_1[3-6]|Conv_1|out_|dense|global)/.test(layer.name);
  head.trainable = true;
  tuned.compile({ optimizer: tf.train.adam(1e-3), loss: 'categoricalCrossentropy' });

  const xs = noise([2, SIZE, SIZE, 3], 1);
  const ys = tf.tidy(() => tf.cast(tf.oneHot(tf.tensor1d([1, 3], 'int32'), 5), 'float32'));
  const losses = [(await tuned.trainOnBatch(xs, ys)) as number];
  const { numTensors } = tf.memory();
  while (losses.length < STEPS) losses.push((await tuned.trainOnBatch(xs, ys)) as number);
  expect(tf.memory().numTensors).toBe(numTensors);
  tuned.dispose();
  tf.dispose([xs, ys]);
  return losses;
}

/** The classifier of nsfwjs, for smaller images than its own. */
async function mobileNet(): Promise<LayersModel> {
  const { default: json } = await MobileNetV2Model.modelJson();
  const { default: weights } = await MobileNetV2Model.weightBundles[0]();
  const modelTopology = structuredClone(json.modelTopology) as Topology;
  const { config } = modelTopology.model_config;
  config.layers[0].config.batch_input_shape = [null, SIZE, SIZE, 3];
  // Cut before its head, whose pooling is too wide for so small an image.
  config.layers = config.layers.slice(0, 1 + config.layers.findIndex(({ name }) => name === CUT));
  config.output_layers = [[CUT, 0, 0]];
  return loadLayersModel(
    tf.io.fromMemory({
      modelTopology,
      weightSpecs: json.weightsManifest[0].weights,
      weightData: new Uint8Array(Buffer.from(weights, 'base64')).buffer,
    }),
    { strict: false },
  );
}

interface Topology {
  model_config: {
    config: {
      layers: { name: string; config: { batch_input_shape?: (number | null)[] } }[];
      output_layers: [string, number, number][];
    };
  };
}
