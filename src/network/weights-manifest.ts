import { FerError } from '../errors.js';
import { fromFloat16 } from '../float16.js';
import { allFinite } from './all-finite.js';
import type { Fallbacks } from './fallbacks.js';
import type { FileFacts, ModelMetadata } from './model-metadata.js';
import { sha256Of } from './sha256.js';
import { floatsOf, type Weight } from './weight.js';

/** One weight in the list of `model.json`. */
export interface WeightEntry {
  name: string;
  shape: number[];
  dtype: 'float32' | 'int32' | 'bool' | 'string' | 'complex64';
  /** Quantization: a stored q means q * scale + min. */
  quantization?: { dtype: 'uint8' | 'uint16' | 'float16'; scale?: number; min?: number };
}

/** TF.js's Layers format: the content of `model.json`. */
export interface ModelJson {
  format: 'layers-model';
  generatedBy: string;
  convertedBy: string | null;
  modelTopology: object;
  weightsManifest: { paths: string[]; weights: WeightEntry[] }[];
  userDefinedMetadata?: Record<string, unknown>;
  /** The binary in base64, in a single-file model. */
  weightData?: string;
}

/** Most weights of a model: 1 GiB as float32, the type of all computations. */
const MOST_WEIGHTS = 2 ** 28;

/**
 * The bytes of all weights that `model.json` lists.
 *
 * @throws FerError `MODEL` when `json` is not a TF.js Layers model, or has too many weights.
 */
export function declaredBytes(json: ModelJson): number {
  return weightEntries(json).reduce((sum, entry) => sum + bytesOf(entry), 0);
}

/**
 * Reads the list of weights in a binary, and checks the binary's length and, if the metadata has one, its sha256.
 *
 * @returns The weights in the order of the binary.
 * @throws FerError `MODEL` when `json` is not a TF.js Layers model; `WEIGHTS_CORRUPT` when the binary is not the one that
 * `json` was written with.
 */
export async function checkedEntries(
  json: ModelJson,
  binary: Uint8Array,
  fallbacks: Pick<Fallbacks, 'sha256'>,
): Promise<WeightEntry[]> {
  const entries = weightEntries(json);
  const expected = declaredBytes(json);
  if (binary.length !== expected) {
    throw new FerError('WEIGHTS_CORRUPT', `the weights are ${binary.length} bytes, model.json says ${expected}`);
  }
  const { sha256 } = factsOf(json);
  if (sha256 !== undefined) {
    const found = await sha256Of(binary, fallbacks);
    if (found !== sha256) {
      throw new FerError('WEIGHTS_CORRUPT', `the weights' sha256 is ${found}, model.json says ${sha256}`);
    }
  }
  return entries;
}

/**
 * Reads weights as floats, by name.
 *
 * @throws FerError as {@link checkedEntries}; `NOT_FINITE` for a weight with NaN or infinity; `MODEL` for a weight that is not stored as float32, float16,
 * uint8 or uint16.
 */
export async function readWeights(
  json: ModelJson,
  binary: Uint8Array,
  fallbacks: Pick<Fallbacks, 'sha256'>,
): Promise<Map<string, Float32Array>> {
  const weights = new Map<string, Float32Array>();
  for (const [name, weight] of await storedWeights(json, binary, fallbacks)) {
    const values = floatsOf(weight);
    if (!allFinite(values)) throw notFinite(name);
    weights.set(name, values);
  }
  return weights;
}

/**
 * Reads weights as they are stored, by name: codes remain codes.
 *
 * @throws FerError as {@link checkedEntries}; `MODEL` for a weight that is not stored as float32, float16, uint8 or uint16.
 */
export async function storedWeights(
  json: ModelJson,
  binary: Uint8Array,
  fallbacks: Pick<Fallbacks, 'sha256'>,
): Promise<Map<string, Weight>> {
  const weights = new Map<string, Weight>();
  let offset = 0;
  for (const entry of await checkedEntries(json, binary, fallbacks)) {
    const end = offset + bytesOf(entry);
    // A copy, because the other arrays need an aligned offset.
    const bytes = binary.slice(offset, end);
    const { dtype, scale = 1, min = 0 } = entry.quantization ?? { dtype: entry.dtype };
    if (dtype === 'float32') weights.set(entry.name, new Float32Array(bytes.buffer));
    else if (dtype === 'uint8') weights.set(entry.name, { codes: bytes, scale, min });
    else if (dtype === 'uint16') weights.set(entry.name, { codes: new Uint16Array(bytes.buffer), scale, min });
    else if (dtype === 'float16') weights.set(entry.name, fromFloat16(new Uint16Array(bytes.buffer)));
    else throw new FerError('MODEL', `the weight ${entry.name} is stored as ${dtype}, which is not supported`);
    offset = end;
  }
  return weights;
}

/** Refuses a weight with NaN or infinity: results with it would be meaningless. */
export function notFinite(name: string): FerError {
  return new FerError(
    'NOT_FINITE',
    `the weight ${name} contains NaN or infinity: its file is damaged, or its training diverged`,
  );
}

/**
 * The facts in `model.json` about its own binary: version, checksum, figures. They are ignored in files written by
 * `model.save` of TF.js, which copies the metadata of the model's original file.
 */
export function factsOf(json: ModelJson): FileFacts {
  if (String(json.generatedBy).startsWith('TensorFlow.js')) return {};
  const { version, sha256, metrics } = (json.userDefinedMetadata?.['fer-dcnn'] ?? {}) as ModelMetadata;
  // Converted through JSON, which drops undefined fields.
  return JSON.parse(JSON.stringify({ version, sha256, metrics }));
}

function weightEntries(json: ModelJson): WeightEntry[] {
  if (json?.format !== 'layers-model' || typeof json.modelTopology !== 'object' || json.modelTopology === null) {
    throw new FerError('MODEL', "not a TF.js Layers model: model.json lacks format 'layers-model' or modelTopology");
  }
  const groups = json.weightsManifest;
  if (
    !Array.isArray(groups) ||
    !groups.every((group) => Array.isArray(group?.weights) && group.weights.every(isEntry))
  ) {
    throw new FerError('MODEL', 'model.json has no valid weightsManifest');
  }
  const entries = groups.flatMap((group) => group.weights);
  const weights = entries.reduce((sum, entry) => sum + sizeOf(entry), 0);
  if (!(weights <= MOST_WEIGHTS)) {
    throw new FerError('MODEL', `model.json lists ${weights} weights; the limit is ${MOST_WEIGHTS}`);
  }
  return entries;
}

const BYTES: Record<string, number> = { float32: 4, int32: 4, uint8: 1, uint16: 2, float16: 2, bool: 1 };

function isEntry(entry: WeightEntry): boolean {
  return (
    typeof entry?.name === 'string' &&
    Array.isArray(entry.shape) &&
    entry.shape.every((size) => Number.isInteger(size) && size >= 0) &&
    Object.hasOwn(BYTES, entry.quantization?.dtype ?? entry.dtype) &&
    isScale(entry.quantization)
  );
}

/** TF.js reads weights without a scale unchanged. */
function isScale(quantization: WeightEntry['quantization']): boolean {
  const { scale = 1, min = 0 } = quantization ?? {};
  return Number.isFinite(scale) && Number.isFinite(min);
}

function bytesOf(entry: WeightEntry): number {
  return sizeOf(entry) * BYTES[entry.quantization?.dtype ?? entry.dtype];
}

function sizeOf({ shape }: WeightEntry): number {
  return shape.reduce((product, axis) => product * axis, 1);
}
