import { readFile } from 'node:fs/promises';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { fromFloat16 } from '../src/float16.js';
import type { Normalization } from '../src/index.js';
import { setMetadata } from '../src/tfjs/model/metadata.js';

/** Loads a model's weights from a file: float16, little-endian, layer by layer. */
export async function readStart(path: string, model: LayersModel, normalization: Normalization): Promise<void> {
  const bytes = await readFile(path);
  const values = fromFloat16(Uint16Array.from({ length: bytes.length / 2 }, (_, i) => bytes.readUInt16LE(2 * i)));
  const count = model.countParams();
  if (values.length !== count) throw new Error(`${path} has ${values.length} weights, the model ${count}`);
  let at = 0;
  const tensors = model.getWeights().map(({ shape, size }) => {
    at += size;
    return tf.tensor(values.slice(at - size, at), shape);
  });
  model.setWeights(tensors);
  tf.dispose(tensors);
  setMetadata(model, { normalization });
}
