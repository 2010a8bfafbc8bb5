import { bytesToHex } from '@noble/hashes/utils';
import { type io, ready } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { checkIsUsable } from '../../classify/layers-model-like.js';
import { FerError, reasonOf } from '../../errors.js';
import { checkedEntries, factsOf, type ModelJson } from '../../network/weights-manifest.js';
import { number, optionsOf, text } from '../../options.js';
import { quietCpu, registerCpu } from '../backends/register-cpu.js';
import { joined } from '../joined.js';
import { sha256 } from '../sha256.js';
import { loadBounded } from './bounded-layers.js';
import { setFileFacts, withMetadata } from './metadata.js';
import { type Quantization, quantizationRule, quantize } from './quantize.js';

/** A stored model: a `model.json` and its single binary. */
export interface ModelFiles {
  json: ModelJson;
  binary: Uint8Array;
}

export interface ToFilesOptions {
  /**
   * How kernels are stored. Biases and other vectors stay float32: they are small and need precision.
   * @default 'none'
   */
  quantize?: Quantization;
  /**
   * For `uint8`: the smallest step between two stored values, as a share of the weights' standard deviation, 0 to 1. It applies
   * only to kernels of 65,536 weights and more: smaller ones save little and lose much. The binary has the same length as
   * without it, but compresses better: at 0.2, the pretrained weights take 289 KB by brotli instead of 407.
   * @default 0
   */
  quantizeStep?: number;
  /**
   * File name of the binary, written into `model.json`.
   * @default 'weights.bin'
   */
  binaryName?: string;
}

/**
 * Turns a model into files that plain `tf.loadLayersModel` opens, with the binary's sha256 in the metadata.
 *
 * @throws FerError `NOT_FINITE` when a weight is NaN or infinite; `OPTION` for an unknown quantization or step.
 */
export function toFiles(model: LayersModel, options: ToFilesOptions = {}): ModelFiles {
  checkIsUsable(model);
  checkOptions(options);
  const { quantize: to = 'none', quantizeStep = 0, binaryName = 'weights.bin' } = options;
  if (quantizeStep > 0 && to !== 'uint8') {
    throw new FerError('OPTION', `quantizeStep needs quantize: 'uint8', got '${to}'`);
  }

  const entries: io.WeightsManifestEntry[] = [];
  const parts: Uint8Array[] = [];
  for (const weight of model.weights) {
    const tensor = weight.read();
    const values = tensor.dataSync<'float32'>();
    const leastScale = values.length < LARGE ? 0 : quantizeStep * standardDeviation(values);
    const stored = quantize(values, tensor.rank < 2 ? 'none' : to, leastScale);
    entries.push({
      name: weight.originalName,
      shape: tensor.shape,
      dtype: 'float32',
      ...(stored.quantization && { quantization: stored.quantization }),
    });
    parts.push(stored.bytes);
  }
  const binary = joined(parts, Uint8Array);

  return {
    json: {
      format: 'layers-model',
      generatedBy: 'fer-dcnn',
      convertedBy: null,
      modelTopology: model.toJSON(undefined, false) as object,
      weightsManifest: [{ paths: [binaryName], weights: entries }],
      userDefinedMetadata: withMetadata(model, { sha256: bytesToHex(sha256(binary)) }),
    },
    binary,
  };
}

/**
 * Makes a model from its files, after checking the binary's length and, where the metadata has one, its sha256.
 *
 * @throws FerError `MODEL` when `json` is not a TF.js Layers model, or would take more memory than its weights and
 * the limits allow; `WEIGHTS_CORRUPT` when the binary is not the one that `json` was written with; `NOT_FINITE` for weights
 * with NaN or infinity.
 */
export async function fromFiles({ json, binary }: ModelFiles): Promise<LayersModel> {
  const entries = await checkedEntries(json, binary, { sha256 });
  registerCpu();
  await ready();
  quietCpu();
  try {
    const model = await loadBounded({
      modelTopology: json.modelTopology,
      weightSpecs: entries,
      weightData: new Uint8Array(binary).buffer,
      userDefinedMetadata: json.userDefinedMetadata as Record<string, never>,
    });
    setFileFacts(model, factsOf(json));
    return model;
  } catch (error) {
    if (error instanceof FerError) throw error;
    throw new FerError('MODEL', `TF.js cannot build this model: ${reasonOf(error)}`, { cause: error });
  }
}

/** Number of weights from which the size of a kernel matters. */
const LARGE = 65_536;

function standardDeviation(values: Float32Array): number {
  let sum = 0;
  let squares = 0;
  for (const value of values) {
    sum += value;
    squares += value * value;
  }
  return Math.sqrt(Math.max(0, squares / values.length - (sum / values.length) ** 2));
}

const checkOptions = optionsOf<ToFilesOptions>('saveModel', () => ({
  quantize: quantizationRule,
  quantizeStep: number('between 0 and 1', (value) => value >= 0 && value <= 1),
  binaryName: text,
}));
