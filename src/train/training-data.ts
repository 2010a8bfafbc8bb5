import { FerError } from '../errors.js';
import {
  isTensorData,
  type LabelledData,
  type LabelledRows,
  labelledBatches,
  type ModelSpec,
  nothing,
  sampleChannels,
  samplesOf,
  tensorRows,
  writeLabel,
} from '../evaluate/labelled-data.js';
import { indexOfLargest } from '../evaluate/metrics.js';
import { type Normalization, normalize } from '../image/normalize.js';
import type { Raster } from '../image/pixels.js';
import { resample } from '../image/resample.js';
import { toPixels } from '../image/to-pixels.js';
import { type AugmentOptions, augment, type Levels } from './augment.js';

/** Training data in memory, read once, augmented anew whenever a sample is taken. */
export interface TrainingData {
  readonly count: number;
  /** Probabilities, [count,classes]. */
  readonly labels: Float32Array;
  /** The most probable class of each sample. */
  readonly truth: Uint16Array;
  /**
   * Writes sample `index` as an input of the model at `out[offset...]`.
   *
   * @param random - Decides the augmentation; without one the sample is as it is.
   */
  take(index: number, out: Float32Array, offset: number, random?: () => number): void;
}

/**
 * Reads all of the data. Images are kept as 8-bit levels at 1.5 times the model's input (2.3 KB a face of 48x48) when
 * they will be augmented, as ready inputs (4 KB a face) when not.
 *
 * @throws FerError as {@link labelledBatches}; `ABORTED`.
 */
export async function readTrainingData(
  data: LabelledData,
  spec: ModelSpec,
  normalization: Normalization,
  augmentation: AugmentOptions | null,
  signal?: AbortSignal,
): Promise<TrainingData> {
  if (isTensorData(data)) return readyInputs(await tensorRows(data, spec), spec, augmentation);
  if (augmentation === null) return readyInputs(await allRows(data, spec, normalization, signal), spec, null);

  const channels = sampleChannels(spec);
  const faces: Stored[] = [];
  const labels: Float32Array[] = [];
  for await (const sample of samplesOf(data)) {
    throwIfAborted(signal);
    const row = new Float32Array(spec.classes);
    writeLabel(sample.label, spec.classes, row, 0, sample.file ?? `sample ${faces.length}`);
    labels.push(row);
    faces.push(store(await toPixels(sample.image, { maxPixels: 64e6 }), spec, channels));
  }
  if (faces.length === 0) throw nothing();

  const joined = new Float32Array(faces.length * spec.classes);
  labels.forEach((row, i) => {
    joined.set(row, i * spec.classes);
  });
  return {
    count: faces.length,
    labels: joined,
    truth: truthOf(joined, spec.classes),
    take(index, out, offset, random) {
      const { data: stored, width, height } = faces[index];
      let levels = levelsBuffer('source', stored.length);
      for (let i = 0; i < stored.length; i++) levels[i] = stored[i];
      if (random !== undefined) {
        const changed = levelsBuffer('changed', stored.length);
        augment({ data: levels, width, height, channels }, 255, augmentation, random, changed);
        levels = changed;
      }
      const face = resample(
        { data: levels, width, height, channels },
        { width: spec.width, height: spec.height, channels },
      );
      normalize(face, { normalization, width: spec.width, channels });
      out.set(face, offset);
    },
  };
}

/** All rows of labelled data, normalised, in memory: for data that is gone through many times. */
export async function allRows(
  data: LabelledData,
  spec: ModelSpec,
  normalization: Normalization,
  signal?: AbortSignal,
): Promise<LabelledRows> {
  if (isTensorData(data)) return tensorRows(data, spec);
  const batches: LabelledRows[] = [];
  let count = 0;
  for await (const batch of labelledBatches(data, spec, normalization, 256)) {
    throwIfAborted(signal);
    batches.push(batch);
    count += batch.count;
  }
  const inputs = new Float32Array(count * spec.inputSize);
  const labels = new Float32Array(count * spec.classes);
  let row = 0;
  for (const batch of batches) {
    inputs.set(batch.inputs, row * spec.inputSize);
    labels.set(batch.labels, row * spec.classes);
    row += batch.count;
  }
  return { inputs, labels, count };
}

/** @throws FerError `ABORTED` when the signal says so. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new FerError('ABORTED', 'training was aborted', { cause: signal.reason });
}

// --- below this line: helpers of this file alone ---

/** Levels 0..255 in one byte each: luma, or RGB. */
interface Stored {
  data: Uint8Array;
  width: number;
  height: number;
}

/** Keeps a picture that is small already as it is; others are brought to 1.5 times the model's input. */
function store(pixels: Raster, spec: ModelSpec, channels: 1 | 3): Stored {
  const width = Math.min(pixels.width, Math.ceil(1.5 * spec.width));
  const height = Math.min(pixels.height, Math.ceil(1.5 * spec.height));
  const levels = resample(pixels, { width, height, channels });
  return { data: Uint8Array.from(levels, Math.round), width, height };
}

function readyInputs(rows: LabelledRows, spec: ModelSpec, augmentation: AugmentOptions | null): TrainingData {
  const { width, height, channels, inputSize } = spec;
  return {
    count: rows.count,
    labels: rows.labels,
    truth: truthOf(rows.labels, spec.classes),
    take(index, out, offset, random) {
      const data = rows.inputs.subarray(index * inputSize, (index + 1) * inputSize);
      if (augmentation === null || random === undefined) {
        out.set(data, offset);
        return;
      }
      const levels: Levels = { data, width, height, channels };
      augment(levels, 1, augmentation, random, out.subarray(offset, offset + inputSize));
    },
  };
}

function truthOf(labels: Float32Array, classes: number): Uint16Array {
  return Uint16Array.from({ length: labels.length / classes }, (_, i) => indexOfLargest(labels, i * classes, classes));
}

const buffers = new Map<string, Float32Array<ArrayBuffer>>();

/** A buffer of this name, kept between calls: augmentation makes no garbage. */
function levelsBuffer(name: string, length: number): Float32Array<ArrayBuffer> {
  let buffer = buffers.get(name);
  if (buffer === undefined || buffer.length < length) {
    buffer = new Float32Array(length);
    buffers.set(name, buffer);
  }
  return buffer.length === length ? buffer : buffer.subarray(0, length);
}
