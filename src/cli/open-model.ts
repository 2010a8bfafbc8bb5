import type { LayersModel } from '@tensorflow/tfjs-layers';
import { loadModel } from '../node.js';
import { loadPretrained } from '../weights.js';

/** The model that an option names: a folder, a `model.json`, or without one (or as `pretrained`) the shipped weights. */
export async function openModel(path?: string): Promise<LayersModel> {
  return path === undefined || path === 'pretrained' ? loadPretrained() : loadModel(path);
}
